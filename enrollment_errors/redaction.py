"""Keeping secrets out of everything that is written or sent.

Three nets, because each alone has holes: ``Secret`` hides what we hold; texts lose what stands where secrets stand
(after ``card_token=``, behind ``bytoken/`` in a URL, …); and whatever a living ``Secret`` holds is taken out wherever
it turns up, such as in the local variables of an HTTP library.
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


# Shorter ones would take harmless words out of every text.
_SHORTEST_KNOWN = 7
# Sentry cuts long texts before anybody can look at them: the beginning of a secret has to be enough to know it.
_TELLING = 24

_SENSITIVE = (
    r"token|secret|passw(?:or)?d|credential|authorization|cookie|api[_-]?key|private[_-]?key|csrf|signature"
    r"|session[_-]?(?:id|key|data)|card[_-](?:first|last)[_-]digits|card[_-]expiry"
    r"|forwarded|real[_-]ip|remote[_-]addr"
)
_SENSITIVE_NAME = re.compile(_SENSITIVE, re.IGNORECASE)

# Every repetition that could meet the same text twice is bounded: a rider must not be able to post what takes long.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), rf"\g<1>{FILTERED}")
    for pattern in (
        r"()-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)",
        # https://user:password@host
        r"(://)[^/\s@'\"]{1,200}(?=@)",
        # A path of the processor's. A route's template, "bytoken/{card_token}", is no secret.
        r"(token/)(?!\{\w+\})[^/\s?#'\"<>&,)]+",
        # A JSON web token, or its beginning.
        r"()\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}",
        # The key of a session in Django's cache.
        r"(contrib\.sessions\.cache(?:d_db)?)\w+",
        # Headers whose value has blanks, to the end of the line.
        r"((?:authorization|cookie)[\w-]{0,20}[\\\"']{0,4}\s{0,4}[:=])(?!\s*\[Filtered)[^\r\n}]+",
        # name=value, name: value, "name": "value", ('name', 'value'), in a form, JSON, a dump of either, or a message.
        rf"((?:{_SENSITIVE})[\w-]{{0,20}}[\\\"']{{0,4}}\s{{0,4}}(?:[:=]|%3D|(?<=[\"']),)"
        r"(?!\s*[\[(]?b?\[Filtered)\s{0,4}[\[(]?b?)"
        r"(?:\\{0,4}\"[^\"]*\"?|\\{0,4}'[^']*'?|(?!\{\w+\}|[\[{])[^\s,;&\"')\]}]+)",
    )
)

# Lines of source code say "card_token = …" without holding one.
_SOURCE_LINES = frozenset({"pre_context", "context_line", "post_context"})


def scrub_text(text: str) -> str:
    """``text`` without secrets: neither what follows the name of one, nor what a living ``Secret`` holds."""
    return Scrubber().text(text)


def scrub_event(event: Any, hint: Any = None) -> Any:
    """A Sentry event without secrets, wherever in it they stand.

    Can be a site's own ``before_send`` and ``before_send_transaction``, or be called from them.
    """
    return Scrubber().value(event)


def raised_at(traceback: TracebackType | None) -> str | None:
    """The line that raised, which is free of values; ``None`` where nothing was raised.

    Where the standard library raised, it is the line that called it: nobody has to mend the library.
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
    """For a text or an event, with the secrets that live at its beginning and ``also`` these.

    It knows again what it has seen: an event says the same thing many times, and may come by more than once.
    """

    def __init__(self, also: Iterable[str] = ()) -> None:
        self._seen: dict[str, str] = {}
        known = {value for value in (*living_secrets(), *also) if len(value) >= _SHORTEST_KNOWN}
        # What is long, such as a processor's whole answer, is searched for as it is: compiling it would take long.
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
            # What Sentry has cut, with its note on it. The class itself is none of Sentry's public ones.
            value.value = self.value(value.value)
            return value
        return self.text(_shown(value))

    def text(self, text: str) -> str:
        found = self._seen.get(text)
        if found is None:
            found = self._without_known(text)
            for pattern, replacement in _PATTERNS:
                found = pattern.sub(replacement, found)
            self._seen[text] = self._seen[found] = found  # twice is the same as once
        return found

    def _items(self, items: list[Any]) -> list[Any]:
        if len(items) == 2 and isinstance(items[0], str):
            # A header or a form's field as a pair.
            return [self.text(items[0]), self._item(items[0], items[1])]
        return [self.value(item) for item in items]

    def _item(self, name: object, item: Any) -> Any:
        if name in _SOURCE_LINES:
            return self._source(item)
        if name == "_meta":
            # Sentry's own notes on what it cut: the event's names again, and no values.
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
    """For a secret's beginning, written plainly or percent-encoded, and what follows of it."""
    beginning = value[:_TELLING]
    rest = r"[\w.~+/=%-]*" if len(value) > _TELLING else ""
    for spelling in (beginning, quote(beginning, safe="", errors="replace")):
        yield re.escape(spelling) + rest


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  whatever a foreign repr raises, the event goes out
        return FILTERED
