"""Which pages show a message: what a translator has to look at."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from html.parser import HTMLParser

INLINE = frozenset(("a", "abbr", "b", "bdi", "code", "em", "i", "small", "span", "strong", "time"))
"""Tags that do not end a line."""

_SILENT = ("script", "style", "textarea")
_HEARD = ("aria-label", "title", "placeholder", "alt", "data-label")
_HOLE = re.compile(r"%\(\w+\)s")
_TAG = re.compile(r"<[^>]+>")


def of(message: str, texts: dict[str, str]) -> list[str]:
    """The titles of those ``texts``, by title and as a browser shows them, that have the message as a line of its own.
    If none has, of those that have it within a line."""
    shown = _pattern(message)
    lines = {title: _lines(text) for title, text in texts.items()}
    alone = re.compile(f"^{shown}$", re.MULTILINE)
    within = re.compile(rf"(?<!\w){shown}(?!\w)")
    return [title for title in texts if alone.search(lines[title])] or [
        title for title in texts if within.search(lines[title])
    ]


def text_of(html: str, inline: Collection[str] = INLINE) -> str:
    """What people read or hear of a page, hidden parts included: a line for each block, then one for each attribute
    that a screen reader says or a browser shows."""
    reader = _Reader(inline)
    reader.feed(html)
    reader.close()
    return "\n".join(("".join(reader.text), *reader.heard))


class _Reader(HTMLParser):
    def __init__(self, inline: Collection[str]) -> None:
        super().__init__()
        self.text: list[str] = []
        self.heard: list[str] = []
        self._inline = inline
        self._is_silent = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._ends_line(tag)
        self._is_silent = tag in _SILENT
        for name, value in attributes:
            is_a_button = tag == "input" and name == "value" and ("type", "submit") in attributes
            if value and (is_a_button or name in _HEARD):
                self.heard.append(" ".join(value.split()))

    def handle_endtag(self, tag: str) -> None:
        self._ends_line(tag)
        self._is_silent = False

    def handle_data(self, data: str) -> None:
        if not self._is_silent:
            self.text.append(re.sub(r"\s+", " ", data))

    def _ends_line(self, tag: str) -> None:
        if tag not in self._inline:
            self.text.append("\n")


@cache
def _lines(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def _pattern(message: str) -> str:
    words = " ".join(_TAG.sub("", message).replace("%%", "%").split())
    first, *others = map(re.escape, _HOLE.split(words))
    if first[:1].islower():  # the admin capitalizes its labels
        first = f"[{first[0]}{first[0].upper()}]{first[1:]}"
    return ".{1,80}?".join((first, *others))
