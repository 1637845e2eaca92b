"""What an operator wants to know in one look: how many succeed, which causes there are, since when and for whom.

All of it comes from the endings and their counts, never from the incidents: a day costs the same whether ten failures
came in it or a million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Union

from django.db.models import Case, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import TruncHour, TruncMinute
from django.utils.translation import gettext

from ..catalogue import CODES, explained
from ..codes import Code
from ..outcomes import Outcome
from .models import DIMENSIONS, DayCount, Ending, MinuteCount
from .periods import Period
from .words import code_words, step_words

FAULTS = tuple(outcome.value for outcome in Outcome if outcome.is_fault)

MEANT = tuple(name for name, code in CODES.items() if code.is_meant)
"""Codes of ends that are faults by their outcome, and that an operator wanted."""

SWITCHED_OFF = "switched_off"
"""In charts, beside the outcomes: ends with a code of ``MEANT``."""

_SHOWN_AS = Case(When(ending__code__in=MEANT, then=Value(SWITCHED_OFF)), default=F("ending__outcome"))

Filters = Mapping[str, str]
"""Some of ``account``, ``agency``, ``flow`` and ``method``, and the value that each must have."""

Counts = Union["QuerySet[MinuteCount]", "QuerySet[DayCount]"]
"""Those of a period, with the dimensions of their endings."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Failures of one cause, as Sentry puts them together. ``agencies`` are the slugs, the most concerned one first.

    ``count`` is that of the period, and ``unlisted`` how many of them have no row among the incidents. ``first_at`` is
    when the cause came first, before the period too.
    """

    processor: str
    stage: str
    code: str
    upstream_status: int | None
    outcome: str
    count: int
    unlisted: int
    first_at: datetime
    last_at: datetime
    agencies: Sequence[str]

    @property
    def explained(self) -> Code:
        return explained(self.code)

    @property
    def words(self) -> str:
        return code_words(self.code)

    @property
    def step(self) -> str:
        return step_words(self.stage)


_CAUSE = ("processor", "stage", "code", "upstream_status", "outcome")


def causes(counts: Counts, filters: Filters, *, outcomes: Sequence[str]) -> list[Cause]:
    """The causes with one of ``outcomes`` among the counts, the most frequent first."""
    wanted = ~Q(code__in=MEANT) & Q(**filters, outcome__in=outcomes)
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in (
        counts.filter(wanted)
        .values(*_CAUSE, "agency")
        .annotate(number=Sum("count"), only_counted=Sum("unlisted"), last=Max("last_at"))
        .order_by("-number", "agency")
    ):
        rows[tuple(row[name] for name in _CAUSE)].append(row)
    endings = Ending.objects.filter(wanted).values_list(*_CAUSE).annotate(Min("first_at"))
    found = [
        Cause(
            **dict(zip(_CAUSE, cause, strict=True)),
            count=sum(row["number"] for row in rows[cause]),
            unlisted=sum(row["only_counted"] for row in rows[cause]),
            first_at=first_at,
            last_at=max(row["last"] for row in rows[cause]),
            agencies=[row["agency"] for row in rows[cause] if row["agency"]],
        )
        for *key, first_at in endings
        if (cause := tuple(key)) in rows
    ]
    return sorted(found, key=lambda cause: cause.count, reverse=True)


def known_values(*names: str) -> dict[str, list[str]]:
    """What there is of each name (``agency``, …), in one query."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for combination in Ending.objects.values_list(*names).distinct():
        for name, value in zip(names, combination, strict=True):
            found[name].add(value)
    return {name: sorted(values - {""}) for name, values in found.items()}


def minutes_since(moment: datetime) -> QuerySet[MinuteCount]:
    """No longer than ``retention.MINUTES_KEPT`` ago."""
    counts: QuerySet[MinuteCount] = _with_dimensions(MinuteCount.objects.filter(last_at__gte=moment))
    return counts


def days_since(day: date) -> QuerySet[DayCount]:
    """That day among them."""
    counts: QuerySet[DayCount] = _with_dimensions(DayCount.objects.filter(day__gte=day))
    return counts


def _with_dimensions(counts: Any) -> Any:
    return counts.annotate(**{name: F(f"ending__{name}") for name in DIMENSIONS})


@dataclass(frozen=True, kw_only=True)
class Row:
    """How the enrollments of an agency with an account ended: how often each outcome came in each bar of a period.
    What an operator has switched off is not among its outcome's: it is counted as ``SWITCHED_OFF``."""

    account: str
    agency: str
    bars: Sequence[Mapping[str, int]]

    @property
    def total(self) -> Mapping[str, int]:
        found: dict[str, int] = defaultdict(int)
        for bar in self.bars:
            for outcome, number in bar.items():
                found[outcome] += number
        return dict(found)


@dataclass(frozen=True)
class Rate:
    """How many enrollments succeeded, of those that succeeded, failed, or may have. What is expected (a refused card, a
    form that was not finished, a renewal that comes too early, a switch) says nothing of how well enrollment works."""

    succeeded: int
    counted: int

    @classmethod
    def of(cls, outcomes: Mapping[str, int]) -> Rate:
        succeeded = outcomes.get(Outcome.SUCCESS.value, 0)
        return cls(succeeded, succeeded + sum(outcomes.get(outcome, 0) for outcome in FAULTS))

    @property
    def percent(self) -> int | None:
        """Whole; 0 and 100 only where that is exact."""
        if not self.counted:
            return None
        if self.succeeded in (0, self.counted):
            return 100 * self.succeeded // self.counted
        return min(99, max(1, round(100 * self.succeeded / self.counted)))

    @property
    def words(self) -> str:
        numbers = {"percent": self.percent, "succeeded": self.succeeded, "counted": self.counted}
        return gettext("%(percent)s%% (%(succeeded)s of %(counted)s) succeeded") % numbers


def counts_of(wanted: Period) -> Counts:
    if wanted.is_of_days:
        return days_since(wanted.starts[0])
    return minutes_since(wanted.bounds(0)[0])


def rows(wanted: Period, filters: Filters) -> list[Row]:
    """One for each account and agency, in one query. Those with the most faults first."""
    truncated = TruncMinute if wanted.step < timedelta(hours=1) else TruncHour
    moments = F("day") if wanted.is_of_days else truncated("last_at", tzinfo=timezone.utc)
    counts = counts_of(wanted).filter(**filters).annotate(shown=_SHOWN_AS, moment=moments)
    found: dict[tuple[str, str], list[dict[str, int]]] = {}
    for account, agency, moment, outcome, number in _summed(counts, "account", "agency", "moment", "shown"):
        bars = found.setdefault((account, agency), [{} for _ in wanted.starts])
        bar = bars[wanted.place(moment)]
        bar[outcome] = bar.get(outcome, 0) + number
    made = [Row(account=account, agency=agency, bars=bars) for (account, agency), bars in sorted(found.items())]
    return sorted(made, key=lambda row: sum(row.total.get(outcome, 0) for outcome in FAULTS), reverse=True)


def outcomes_since(moment: datetime) -> dict[str, dict[str, int]]:
    """By account: how often each outcome came."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for account, outcome, number in _summed(minutes_since(moment), "account", "outcome"):
        found[account][outcome] = number
    return dict(found)


def _summed(counts: Counts, *names: str) -> Iterable[tuple[Any, ...]]:
    sums: Iterable[tuple[Any, ...]] = counts.values_list(*names).annotate(Sum("count"))
    return sums


def first_and_last_fault() -> tuple[datetime | None, datetime | None]:
    """Of all endings that are not forgotten. The last of each is at the end of an index."""
    last = DayCount.objects.filter(ending=OuterRef("pk")).order_by("-day").values("last_at")[:1]
    faults = Ending.objects.filter(outcome__in=FAULTS).exclude(code__in=MEANT).annotate(last_at=Subquery(last))
    found = faults.aggregate(first=Min("first_at"), last=Max("last_at"))
    return found["first"], found["last"]
