"""CSV that a spreadsheet opens correctly: marked as UTF-8, and without cells that it would run as formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BYTE_ORDER_MARK = "\ufeff"


class _Line:
    """A file for ``csv`` to write to. ``write`` returns the line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Any]], *, for_a_file: bool = True) -> Iterator[str]:
    """``None`` becomes an empty cell. ``for_a_file`` adds the mark by which spreadsheets recognize UTF-8."""
    writer = csv.writer(_Line())
    yield (_BYTE_ORDER_MARK if for_a_file else "") + writer.writerow(head)
    for row in rows:
        yield writer.writerow([neutralized(cell) for cell in row])


def neutralized(cell: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run. The spreadsheet does not show it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA) else cell
