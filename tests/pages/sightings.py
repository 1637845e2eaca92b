"""Which pages show a message: what a translator has to look at."""

from __future__ import annotations

import re

_HOLE = re.compile(r"%\(\w+\)s")
_TAG = re.compile(r"<[^>]+>")


def of(message: str, texts: dict[str, str]) -> list[str]:
    """The titles of those ``texts``, by title and as a browser shows them, that have the message as a line of its own.
    If none has, of those that have it within a line."""
    shown = _pattern(message)
    lines = {title: [" ".join(line.split()) for line in text.splitlines()] for title, text in texts.items()}
    alone = [title for title in texts if any(map(shown.fullmatch, lines[title]))]
    return alone or [title for title in texts if any(map(shown.search, lines[title]))]


def _pattern(message: str) -> re.Pattern[str]:
    words = " ".join(_TAG.sub("", message).replace("%%", "%").split())
    return re.compile(r"(?<!\w)" + ".{1,80}?".join(map(re.escape, _HOLE.split(words))) + r"(?!\w)")
