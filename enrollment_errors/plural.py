"""Numbers with their nouns, for output in English: ``1 incident``, ``2 incidents``."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """``many`` is the plural; without it, ``one`` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
