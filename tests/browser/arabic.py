"""Arabic as a pseudo-locale: every message in Arabic letters, which is enough to test right-to-left pages."""

from __future__ import annotations

import re
import string
from pathlib import Path

from tests.pages import catalogs

_LETTERS = str.maketrans(
    string.ascii_lowercase + string.ascii_uppercase, "ابجدهفغحيجكلمنوبقرستعفوزيز" + "ابجدهفغحيجكلمنوبقرستعفوزيز"
)


def write_catalog(folder: Path) -> Path:
    """Writes the catalog into ``folder``, and returns it for ``LOCALE_PATHS``."""
    messages = {
        f"{context}{message}": disguise(message)
        for message in set().union(*catalogs.messages_in_sources().values())
        for context in ("", f"{catalogs.CONTEXT}\x04")
    }
    header = ("", "Content-Type: text/plain; charset=UTF-8\n")
    compiled = folder / "ar" / "LC_MESSAGES" / "django.mo"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(catalogs.compile_entries([header, *sorted(messages.items())]))
    return folder


def disguise(message: str) -> str:
    """Placeholders and markup stay as they are."""
    return "".join(
        part if part[:1] in ("%", "<") else part.translate(_LETTERS)
        for part in re.split(r"(%\(\w+\)s|<[^>]+>)", message)
    )
