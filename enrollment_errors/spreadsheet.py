"""CSV that a spreadsheet opens as it is: in UTF-8, which it is told, and with no cell that it takes for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BYTE_ORDER_MARK = "\ufeff"


class _Line:
    """What ``csv`` writes to, which gives the line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Any]], *, for_a_file: bool = True) -> Iterator[str]:
    """``None`` is an empty cell. ``for_a_file``: it starts with the mark by which spreadsheets know UTF-8."""
    writer = csv.writer(_Line())
    yield (_BYTE_ORDER_MARK if for_a_file else "") + writer.writerow(head)
    for row in rows:
        yield writer.writerow([neutralized(cell) for cell in row])


def neutralized(cell: Any) -> Any:
    """A text that a spreadsheet would run gets an apostrophe in front, which the spreadsheet does not show."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA) else cell
