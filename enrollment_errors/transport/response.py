"""A processor's 2xx answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from requests.utils import guess_json_utf

from ..exceptions import ReplyIncomplete, ReplyNotJson
from ..redaction import Secret

_NOT_JSON = object()
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89A-Fa-f]")


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
        return self._picked(lambda: [self._document], required, optional, secret)[0]

    def json_items(
        self, *required: str, optional: Sequence[str] = (), secret: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """The same of each object of an answer that is an array."""
        return self._picked(lambda: self._document, required, optional, secret)

    def _picked(
        self, objects: Callable[[], Any], required: Sequence[str], optional: Sequence[str], secret: Sequence[str]
    ) -> list[dict[str, Any]]:
        if not self.is_json:
            raise ReplyNotJson("the answer is not JSON")
        missing = _missing(objects(), required, secret)
        if missing:
            raise ReplyIncomplete(f"the answer lacks {missing}")
        return [
            {name: Secret(found[name]) if name in secret else found.get(name) for name in (*required, *optional)}
            for found in objects()
        ]

    # Never a local variable of a method: it holds tokens, and Sentry sends the locals of the frames that an exception
    # went through.
    @cached_property
    def _document(self) -> Any:
        try:
            return _parsed(self.content)
        except (ValueError, RecursionError):
            return _NOT_JSON


def _parsed(content: bytes) -> Any:
    """Raises ``ValueError``, for half a surrogate pair too: no URL, database or event could take it."""
    text = content.decode(guess_json_utf(content) or "utf-8")  # type: ignore[no-untyped-call]
    document = json.loads(text)
    if _HALF_OF_A_PAIR.search(text):
        json.dumps(document, ensure_ascii=False).encode()
    return document


def _missing(objects: Any, required: Sequence[str], secret: Sequence[str]) -> str:
    if not isinstance(objects, list) or not all(isinstance(found, dict) for found in objects):
        return "an object where one is needed"
    return ", ".join(
        name
        for name in required
        if any(found.get(name) in (None, "") or (name in secret and not _fits_header(found[name])) for found in objects)
    )


def _fits_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
