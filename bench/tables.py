"""Prints plain tables, and sums up lists of durations."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, note: str) -> None:
    """The first column says what a row is about; the others are numbers."""
    lines = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    print(f"\n{title}\n")
    for first, *others in lines:
        numbers = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        print("  ".join((first.ljust(widths[0]), *numbers)).rstrip())
    print(f"\n{textwrap.fill(note, 100)}", flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that ``share`` of them (0 to 1) do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


def ratio(ours: float, other: float) -> str:
    """``other`` as a multiple of ``ours``."""
    return f"{other / ours:.1f} x"
