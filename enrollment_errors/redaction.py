"""Keeps secrets out of everything that is written or sent.

It uses three nets, because each alone has holes. ``Secret`` hides the values that we hold. Texts lose anything in a
place for secrets (after ``card_token=``, after ``bytoken/`` in a URL, …). And the value of every living ``Secret`` is
removed wherever it appears, such as in the local variables of an HTTP library.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import TracebackType
from typing import Any
from urllib.parse import quote

from .secret import living_secrets

FILTERED = "[Filtered]"
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


# Shorter values would remove harmless words from every text.
_SHORTEST_KNOWN = 7
_LONGEST_WORD = 15
# Sentry cuts long texts before we can search them, so the beginning of a secret must be enough to recognize it.
_TELLING = 24

_SENSITIVE = (
    r"token|secret|passw(?:or)?d|credential|authorization|cookie|api[_-]?key|private[_-]?key|csrf|signature"
    r"|session[_-]?(?:id|key|data)|card[_-](?:first|last)[_-]digits|card[_-]expiry"
    r"|forwarded|real[_-]ip|remote[_-]addr"
)
_SENSITIVE_NAME = re.compile(_SENSITIVE, re.IGNORECASE)

# Every repetition that could match the same text twice is bounded, so that a rider cannot post a text that takes long.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), rf"\g<1>{FILTERED}")
    for pattern in (
        r"()-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)",
        # https://user:password@host
        r"(://)[^/\s@'\"]{1,200}(?=@)",
        # One of the processor's paths. A route's template, "bytoken/{card_token}", is no secret.
        r"(token/)(?!\{\w+\})[^/\s?#'\"<>&,)]+",
        # A JSON web token, or its beginning.
        r"()\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}",
        # The key of a session in Django's cache.
        r"(contrib\.sessions\.cache(?:d_db)?)\w+",
        # Headers with spaces in their value, to the end of the line.
        r"((?:authorization|cookie)[\w-]{0,20}[\\\"']{0,4}\s{0,4}[:=])(?!\s*\[Filtered)[^\r\n}]+",
        # name=value, name: value, "name": "value", ('name', 'value'), in a form, JSON, a dump of either, or a message.
        rf"((?:{_SENSITIVE})[\w-]{{0,20}}[\\\"']{{0,4}}\s{{0,4}}(?:[:=]|%3D|(?<=[\"']),)"
        r"(?!\s*[\[(]?b?\[Filtered)\s{0,4}[\[(]?b?)"
        r"(?:\\{0,4}\"[^\"]*\"?|\\{0,4}'[^']*'?|(?!\{\w+\}|[\[{])[^\s,;&\"')\]}]+)",
    )
)

# Lines of source code say "card_token = …" without containing one.
_SOURCE_LINES = frozenset({"pre_context", "context_line", "post_context"})


def scrub_text(text: str) -> str:
    """``text`` without secrets: no values after the name of a secret, and no values of a living ``Secret``."""
    return Scrubber().text(text)


def scrub_event(event: Any, hint: Any = None) -> Any:
    """A Sentry event without secrets anywhere in it.

    A site can use it as ``before_send`` and ``before_send_transaction``, or call it from its own.
    """
    return Scrubber().value(event)


def raised_at(traceback: TracebackType | None) -> str | None:
    """The file, line and function that raised, without any values; ``None`` if nothing was raised.

    If the standard library raised, it is the line that called the library, because that is the one to fix.
    """
    if traceback is None:
        return None
    last = traceback
    while last.tb_next:
        last = last.tb_next
        if not _is_standard(last.tb_frame.f_code.co_filename):
            traceback = last
    code = traceback.tb_frame.f_code
    return f"{code.co_filename}:{traceback.tb_lineno} in {code.co_name}"


def _is_standard(file: str) -> bool:
    return file.startswith(_STANDARD_LIBRARY) and "site-packages" not in file


class Scrubber:
    """Scrubs a text or an event. Finds the secrets that are alive when it is created, and those in ``also``.

    It remembers the texts that it has scrubbed, because an event repeats many texts and may itself come twice.
    """

    def __init__(self, also: Iterable[str] = ()) -> None:
        self._seen: dict[str, str] = {}
        known = {value for value in (*living_secrets(), *also) if len(value) >= _SHORTEST_KNOWN}
        # Long values, such as a processor's whole answer, are searched for directly: compiling them would take long.
        self._long = sorted((value for value in known if len(value) > _TELLING), key=len, reverse=True)
        patterns = sorted({pattern for value in known for pattern in _patterns(value)}, key=len, reverse=True)
        self._beginnings = re.compile("|".join(patterns)) if patterns else None

    def value(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float, date)):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._item(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset, deque)):
            return self._items(list(value))
        if type(value).__name__ == "AnnotatedValue":
            # A value that Sentry has cut, with a note about it. Sentry's class is not public, so go by its name.
            value.value = self.value(value.value)
            return value
        return self.text(_shown(value))

    def text(self, text: str) -> str:
        found = self._seen.get(text)
        if found is None:
            found = self._without_known(text)
            for pattern, replacement in _PATTERNS:
                found = pattern.sub(replacement, found)
            self._seen[text] = self._seen[found] = found  # scrubbing again would change nothing
        return found

    def _items(self, items: list[Any]) -> list[Any]:
        if len(items) == 2 and isinstance(items[0], str):
            # A header or a form field as a pair.
            return [self.text(items[0]), self._item(items[0], items[1])]
        return [self.value(item) for item in items]

    def _item(self, name: object, item: Any) -> Any:
        if name in _SOURCE_LINES:
            return self._source(item)
        if name == "_meta":
            # Sentry's own notes about its cuts repeat the event's names, and contain no values.
            return item
        if isinstance(name, str) and item and _SENSITIVE_NAME.search(name):
            return FILTERED
        return self.value(item)

    def _source(self, lines: Any) -> Any:
        if isinstance(lines, list):
            return [self._source(line) for line in lines]
        return self._without_known(lines) if isinstance(lines, str) else self.value(lines)

    def _without_known(self, text: str) -> str:
        for value in self._long:
            text = text.replace(value, FILTERED)
        return self._beginnings.sub(FILTERED, text) if self._beginnings else text


def _patterns(value: str) -> Iterator[str]:
    """Patterns for a secret's beginning, plain or percent-encoded, and the rest of the secret.

    A secret that could be a word, such as one that a rider makes up, is not cut out of a longer one.
    """
    if len(value) <= _LONGEST_WORD and value.isascii() and value.isalpha():
        yield rf"\b{re.escape(value)}\b"
        return
    beginning = value[:_TELLING]
    rest = r"[\w.~+/=%-]*" if len(value) > _TELLING else ""
    for spelling in (beginning, quote(beginning, safe="", errors="replace")):
        yield re.escape(spelling) + rest


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  the event goes out, even if a foreign repr fails
        return FILTERED
