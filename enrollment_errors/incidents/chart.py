"""A bar chart of outcomes, as SVG for its template: all numbers whole, in the units of its box.

No script, no inline style: colours come from the style sheet by the outcome's name, and the same numbers stand in a
table beside the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.dateformat import format as format_date
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from ..outcomes import Outcome
from ..pages import PAGES

LABELS = {
    outcome.value: page.label
    for outcome, page in PAGES.items()
    if not page.was_refused and outcome is not Outcome.PARTIAL
}
"""From the bottom of a bar to its top. Of a region, each target's end is counted."""

WIDTH, HEIGHT = 600, 120
_GAP = 2
_BETWEEN_TICKS = 6


@dataclass(frozen=True)
class Segment:
    outcome: str
    label: str
    count: int
    y: int
    height: int


@dataclass(frozen=True)
class Bar:
    start: date
    x: int
    total: int
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Chart:
    """``highest`` is the total of the highest bar, and so the scale. ``outcomes`` are those that occur, with their
    labels."""

    id: str
    title: str
    bars: Sequence[Bar]
    bar_width: int
    highest: int
    outcomes: Sequence[tuple[str, str]]

    @property
    def is_hourly(self) -> bool:
        return isinstance(self.bars[0].start, datetime)

    @property
    def drawn_bars(self) -> SafeString:
        """Each with its numbers as a tooltip. A template takes far longer over hundreds of shapes."""
        return format_html_join(
            "\n",
            "<g><title>{}: {}</title>{}</g>",
            (
                (
                    self._name(bar),
                    ", ".join(f"{segment.label} {segment.count}" for segment in bar.segments),
                    self._drawn(bar),
                )
                for bar in self.bars
                if bar.total
            ),
        )

    @property
    def drawn_ticks(self) -> SafeString:
        """The names of some bars below them, of the last one at the right end."""
        *others, last = self.bars
        ticks = [("tick", bar.x, self._name(bar)) for bar in others[::_BETWEEN_TICKS]]
        return format_html_join(
            "\n",
            '<text class="{}" x="{}" y="138">{}</text>',
            [*ticks, ("tick tick-last", WIDTH, self._name(last))],
        )

    @property
    def totals(self) -> list[tuple[str, str, int]]:
        """Outcome, label and count of each that occurs."""
        return [(outcome, label, sum(_count_of(bar, outcome) for bar in self.bars)) for outcome, label in self.outcomes]

    @property
    def rows(self) -> list[tuple[date, list[int]]]:
        """For the table: a count for each of ``outcomes``."""
        return [
            (bar.start, [_count_of(bar, outcome) for outcome, _ in self.outcomes]) for bar in self.bars if bar.total
        ]

    def _name(self, bar: Bar) -> str:
        if isinstance(bar.start, datetime):
            return format_date(localtime(bar.start), "H:i")
        return format_date(bar.start, "M j")

    def _drawn(self, bar: Bar) -> SafeString:
        return format_html_join(
            "",
            '<rect class="outcome-{}" x="{}" y="{}" width="{}" height="{}" />',
            ((segment.outcome, bar.x, segment.y, self.bar_width, segment.height) for segment in bar.segments),
        )


def draw(chart_id: str, title: str, columns: Sequence[tuple[date, Mapping[str, int]]]) -> Chart:
    """``columns`` are the days, or the starts of the hours, and how often each outcome came in each."""
    slot = WIDTH // len(columns)
    highest = max(sum(counts.values()) for _, counts in columns)
    bars = [
        Bar(start, position * slot, sum(counts.values()), _segments(counts, highest))
        for position, (start, counts) in enumerate(columns)
    ]
    occurring = [
        (outcome, label) for outcome, label in LABELS.items() if any(outcome in counts for _, counts in columns)
    ]
    return Chart(chart_id, title, bars, slot - _GAP, highest, occurring)


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
