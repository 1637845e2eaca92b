"""A bar chart of outcomes as the numbers that its SVG template writes down: all of them whole, in the units of its box.

No script, no inline style: colours come from the style sheet by the outcome's name, and the same numbers stand in a
table beside the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..outcomes import Outcome

LABELS = {
    Outcome.SUCCESS.value: "Success",
    Outcome.RETRY.value: "Card refused",
    Outcome.TOO_EARLY.value: "Too early",
    Outcome.UNKNOWN.value: "Unknown",
    Outcome.SYSTEM_ERROR.value: "System error",
    Outcome.SERVER_ERROR.value: "Server error",
}
"""From the bottom of a bar to its top."""

WIDTH, HEIGHT = 600, 120
_GAP = 2


@dataclass(frozen=True)
class Segment:
    outcome: str
    label: str
    count: int
    y: int
    height: int


@dataclass(frozen=True)
class Bar:
    start: datetime
    x: int
    total: int
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Chart:
    """``highest`` is the total of the highest bar, and so the scale. ``outcomes`` are those that occur, with their
    labels."""

    id: str
    title: str
    is_hourly: bool
    bars: Sequence[Bar]
    bar_width: int
    highest: int
    outcomes: Sequence[tuple[str, str]]

    @property
    def totals(self) -> list[tuple[str, str, int]]:
        """Outcome, label and count of each that occurs."""
        return [(outcome, label, sum(_count_of(bar, outcome) for bar in self.bars)) for outcome, label in self.outcomes]

    @property
    def rows(self) -> list[tuple[datetime, list[int]]]:
        """For the table: a count for each of ``outcomes``."""
        return [
            (bar.start, [_count_of(bar, outcome) for outcome, _ in self.outcomes]) for bar in self.bars if bar.total
        ]


def draw(chart_id: str, title: str, columns: Sequence[tuple[datetime, Mapping[str, int]]], *, is_hourly: bool) -> Chart:
    """``columns`` are the starts of the hours or days, and how often each outcome came in each."""
    slot = WIDTH // len(columns)
    highest = max(sum(counts.values()) for _, counts in columns)
    bars = [
        Bar(start, position * slot, sum(counts.values()), _segments(counts, highest))
        for position, (start, counts) in enumerate(columns)
    ]
    occurring = [
        (outcome, label) for outcome, label in LABELS.items() if any(outcome in counts for _, counts in columns)
    ]
    return Chart(chart_id, title, is_hourly, bars, slot - _GAP, highest, occurring)


def _segments(counts: Mapping[str, int], highest: int) -> list[Segment]:
    segments, bottom = [], HEIGHT
    for outcome, label in LABELS.items():
        if count := counts.get(outcome, 0):
            height = max(1, count * HEIGHT // highest)  # a single failure among thousands is still to be seen
            bottom -= height
            segments.append(Segment(outcome, label, count, bottom, height))
    return segments


def _count_of(bar: Bar, outcome: str) -> int:
    return next((segment.count for segment in bar.segments if segment.outcome == outcome), 0)
