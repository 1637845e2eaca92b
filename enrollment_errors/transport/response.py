"""A processor's 2xx answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..exceptions import ReplyIncomplete, ReplyNotJson
from ..redaction import Secret

_NOT_JSON = object()


@dataclass(frozen=True)
class Response:
    status: int
    content: bytes = field(repr=False)

    @property
    def is_empty(self) -> bool:
        return not self.content.strip()

    @property
    def is_json(self) -> bool:
        return self._document is not _NOT_JSON

    def json_fields(self, *required: str, optional: Sequence[str] = (), secret: Sequence[str] = ()) -> dict[str, Any]:
        """What is named of the answer's object, and nothing else of it; ``None`` for the optional ones that it lacks.

        Each of ``required`` is neither ``null`` nor ``""``. What is named in ``secret`` too comes as a ``Secret`` that
        can stand in a header. Raises ``ReplyNotJson`` and ``ReplyIncomplete``.
        """
        if not self.is_json:
            raise ReplyNotJson("the answer is not JSON")
        missing = self._missing(required, secret)
        if missing:
            raise ReplyIncomplete(f"the answer lacks {missing}")
        return {
            name: Secret(self._document[name]) if name in secret else self._document.get(name)
            for name in (*required, *optional)
        }

    # Never a local variable of a method: it holds tokens, and Sentry sends the locals of the frames that an exception
    # went through.
    @cached_property
    def _document(self) -> Any:
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return _NOT_JSON

    def _missing(self, required: Sequence[str], secret: Sequence[str]) -> str:
        if not isinstance(self._document, dict):
            return "an outer object"
        return ", ".join(
            name
            for name in required
            if self._document.get(name) in (None, "") or (name in secret and not _fits_header(self._document[name]))
        )


def _fits_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
