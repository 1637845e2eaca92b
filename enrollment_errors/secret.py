"""A text that must stay hidden. Imports no other module of the app, because all code that uses secrets imports it."""

from __future__ import annotations

import hmac
from typing import Any
from weakref import WeakValueDictionary


class Secret:
    """A text that only ``reveal`` shows.

    ``repr``, ``str``, ``format`` and pickling never show it, so you can keep it in a local variable, a dataclass or an
    exception, and it does not reach a traceback, a log or an event.
    """

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        _living[id(self)] = self

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> Any:
        raise TypeError("a Secret cannot be pickled: encrypt what it reveals")


_living: WeakValueDictionary[int, Secret] = WeakValueDictionary()


def living_secrets() -> list[str]:
    """The text of each ``Secret`` that is still referenced."""
    # valuerefs copies the list at once; another thread could change the values during iteration.
    return [secret.reveal() for ref in _living.valuerefs() if (secret := ref()) is not None]
