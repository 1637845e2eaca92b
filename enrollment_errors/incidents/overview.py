"""What an operator wants to know at a glance: how many enrollments succeed, what the causes of failures are, since
when, and for whom.

It reads the endings and their counts, never the incidents: a day with a million failures costs hardly more than one
with ten.
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
"""Codes whose outcome is a fault, but that an operator wanted."""

SWITCHED_OFF = "switched_off"
"""In charts, next to the outcomes: the ends with a code in ``MEANT``."""

_SHOWN_AS = Case(When(ending__code__in=MEANT, then=Value(SWITCHED_OFF)), default=F("ending__outcome"))

Filters = Mapping[str, str]
"""Required values, for any of ``account``, ``agency``, ``flow`` and ``method``."""

Counts = Union["QuerySet[MinuteCount]", "QuerySet[DayCount]"]
"""The counts of a period, with the dimensions of their endings."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Failures with the same cause, grouped as in Sentry. ``agencies`` are slugs, the most affected first.

    ``count`` is for the period, and ``unlisted`` says how many of those are not among the incidents. ``first_at`` is
    when the cause first occurred, even if that was before the period.
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
    """The causes in ``counts`` that have one of ``outcomes``, the most frequent first."""
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
    """All values that occur for each name (``agency``, …), in one query."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for combination in Ending.objects.values_list(*names).distinct():
        for name, value in zip(names, combination, strict=True):
            found[name].add(value)
    return {name: sorted(values - {""}) for name, values in found.items()}


def minutes_since(moment: datetime) -> QuerySet[MinuteCount]:
    """``moment`` may be at most ``retention.MINUTES_KEPT`` ago."""
    counts: QuerySet[MinuteCount] = _with_dimensions(MinuteCount.objects.filter(last_at__gte=moment))
    return counts


def days_since(day: date) -> QuerySet[DayCount]:
    """Includes ``day`` itself."""
    counts: QuerySet[DayCount] = _with_dimensions(DayCount.objects.filter(day__gte=day))
    return counts


def _with_dimensions(counts: Any) -> Any:
    return counts.annotate(**{name: F(f"ending__{name}") for name in DIMENSIONS})


@dataclass(frozen=True, kw_only=True)
class Row:
    """How the enrollments of an agency with an account ended: how often each outcome occurred in each bar of a period.
    Enrollments that an operator switched off count as ``SWITCHED_OFF`` instead of their outcome."""

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
    """How many enrollments succeeded, out of those that succeeded, failed, or may have failed. Expected ends (a
    refused card, a form that was not finished, a renewal that comes too early, a switch) do not count, because they
    say nothing about how well enrollment works."""

    succeeded: int
    counted: int

    @classmethod
    def of(cls, outcomes: Mapping[str, int]) -> Rate:
        succeeded = outcomes.get(Outcome.SUCCESS.value, 0)
        return cls(succeeded, succeeded + sum(outcomes.get(outcome, 0) for outcome in FAULTS))

    @property
    def percent(self) -> int | None:
        """A whole number; 0 and 100 only if that is exact. ``None`` if nothing counts."""
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
    """One row for each account and agency, in one query. Those with the most faults come first."""
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
    """How often each outcome occurred, by account."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for account, outcome, number in _summed(minutes_since(moment), "account", "outcome"):
        found[account][outcome] = number
    return dict(found)


def _summed(counts: Counts, *names: str) -> Iterable[tuple[Any, ...]]:
    sums: Iterable[tuple[Any, ...]] = counts.values_list(*names).annotate(Sum("count"))
    return sums


def first_and_last_fault() -> tuple[datetime | None, datetime | None]:
    """The times of the first and the last fault among all endings still kept. The last time of each ending is at the
    end of an index."""
    last = DayCount.objects.filter(ending=OuterRef("pk")).order_by("-day").values("last_at")[:1]
    faults = Ending.objects.filter(outcome__in=FAULTS).exclude(code__in=MEANT).annotate(last_at=Subquery(last))
    found = faults.aggregate(first=Min("first_at"), last=Max("last_at"))
    return found["first"], found["last"]
