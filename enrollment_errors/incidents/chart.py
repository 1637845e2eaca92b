"""Draws a bar chart of outcomes, as SVG for its template.

It uses no script and no inline style. Widths are percentages, so the chart fits any screen while its text keeps its
size; heights are pixels. The style sheet colors each outcome by its name. A table below the chart has the same
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.dateformat import format as format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..outcomes import Outcome
from ..pages import PAGES
from .overview import SWITCHED_OFF, Rate, Row
from .periods import Period

LABELS = {
    outcome.value: _(page.label)
    for outcome, page in PAGES.items()
    if not page.was_refused and outcome is not Outcome.PARTIAL
}
"""In order from the bottom of a bar to its top. For a region, the outcome of each target is counted."""

SHOWN = {**LABELS, SWITCHED_OFF: _("Switched off")}

HEIGHT = 120
"""The height of the scale, in pixels. Above it there is room for half a line of text, and below it for a line."""
_TOP = 8
_GAP = 0.15
"""The gap between bars, as a fraction of a bar's place."""
_TICKS = 5
_STEPS = (1, 2, 5)
_MOST_LINES = 4


@dataclass(frozen=True)
class Segment:
    outcome: str
    count: int
    y: int
    height: int


@dataclass(frozen=True)
class Bar:
    """``url`` leads to the bar's incidents; it is empty if everything in the bar succeeded or was switched off.
    ``name`` is the day or the time when the bar starts."""

    start: date
    name: str
    counts: Mapping[str, int]
    segments: Sequence[Segment]
    url: str

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def rate(self) -> Rate:
        return Rate.of(self.counts)

    @property
    def words(self) -> str:
        return f"{self.name}: " + ", ".join(f"{SHOWN[segment.outcome]} {segment.count}" for segment in self.segments)


@dataclass(frozen=True)
class Chart:
    """``lines`` are the values of the axis, from 0 to the top. ``outcomes`` are those that occur."""

    id: str
    title: str
    row: Row
    period: Period
    bars: Sequence[Bar]
    lines: Sequence[int]
    outcomes: Sequence[str]

    @property
    def rate(self) -> Rate:
        return Rate.of(self.row.total)

    @property
    def totals(self) -> list[tuple[str, str, int]]:
        """Outcome, label and count, for each outcome that occurs."""
        return [(outcome, str(SHOWN[outcome]), self.row.total[outcome]) for outcome in self.outcomes]

    @property
    def table(self) -> list[tuple[Bar, list[int]]]:
        """The bars that are not empty, with a count for each of ``outcomes``."""
        return [(bar, [bar.counts.get(outcome, 0) for outcome in self.outcomes]) for bar in self.bars if bar.total]

    @property
    def drawn_lines(self) -> SafeString:
        return format_html_join(
            "\n",
            '<line class="axis" x1="0" y1="{0}" x2="100%" y2="{0}" />',
            ((self._y(value),) for value in self.lines),
        )

    @property
    def drawn_values(self) -> SafeString:
        return format_html_join(
            "\n",
            '<text class="scale" x="100%" y="{}">{}</text>',
            ((self._y(value) + 4, str(value)) for value in self.lines),
        )

    @property
    def drawn_bars(self) -> SafeString:
        """Each bar has its numbers as a tooltip. This is not in the template because a template takes far longer for
        hundreds of shapes."""
        drawn = [(self._drawn(place, bar),) for place, bar in enumerate(self.bars) if bar.total]
        return format_html_join("\n", "{}", drawn)

    @property
    def drawn_ticks(self) -> SafeString:
        """The names of some bars, evenly spaced below them, including the first and the last."""
        return format_html_join(
            "\n",
            '<text class="tick{}" x="{}" y="{}">{}</text>',
            ((kind, x, _TOP + HEIGHT + 18, name) for kind, x, name in self._ticks()),
        )

    def _ticks(self) -> Iterator[tuple[str, str, str]]:
        last = len(self.bars) - 1
        for number in range(_TICKS):
            place = round(number * last / (_TICKS - 1))
            if number == 0:
                yield " tick-first", "0", self.bars[place].name
            elif number == _TICKS - 1:
                yield " tick-last", "100%", self.bars[place].name
            else:
                yield "", self._x(place + 0.5), self.bars[place].name

    def _drawn(self, place: int, bar: Bar) -> SafeString:
        shapes = format_html_join(
            "",
            '<rect class="outcome-{}" x="{}" y="{}" width="{}" height="{}" />',
            (
                (segment.outcome, self._x(place + _GAP / 2), segment.y, self._x(1 - _GAP), segment.height)
                for segment in bar.segments
            ),
        )
        drawn = format_html("<title>{}</title>{}", bar.words, shapes)
        if not bar.url:
            return format_html("<g>{}</g>", drawn)
        return format_html('<a href="{}" aria-label="{}">{}</a>', bar.url, bar.words, drawn)

    def _x(self, places: float) -> str:
        return f"{100 * places / len(self.bars):.2f}%"

    def _y(self, value: int) -> int:
        return _TOP + HEIGHT - value * HEIGHT // self.lines[-1]


def draw(chart_id: str, title: str, row: Row, period: Period, urls: Sequence[str]) -> Chart:
    """``urls`` lead to the incidents of each bar."""
    lines = _lines(max(sum(counts.values()) for counts in row.bars))
    bars = [
        Bar(start, _name(period, start), counts, _segments(counts, lines[-1]), url)
        for start, counts, url in zip(period.starts, row.bars, urls, strict=True)
    ]
    return Chart(chart_id, title, row, period, bars, lines, [outcome for outcome in SHOWN if row.total.get(outcome)])


def _name(period: Period, start: date) -> str:
    if isinstance(start, datetime):
        return format_date(localtime(start), "H:i")
    return format_date(start, gettext("M j"))


def _lines(highest: int) -> list[int]:
    """Evenly spaced round numbers from 0. The last one is no lower than ``highest``."""
    unit = 1
    while True:
        for step in (unit * size for size in _STEPS):
            count = -(-highest // step)
            if count <= _MOST_LINES:
                return [step * number for number in range(max(count, 1) + 1)]
        unit *= 10


def _segments(counts: Mapping[str, int], highest: int) -> list[Segment]:
    segments, bottom = [], _TOP + HEIGHT
    for outcome in SHOWN:
        if count := counts.get(outcome, 0):
            height = max(1, count * HEIGHT // highest)  # a single failure among thousands stays visible
            bottom -= height
            segments.append(Segment(outcome, count, bottom, height))
    return segments
