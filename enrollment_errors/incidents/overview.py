"""What an operator wants to know in one look: which causes there are, since when and for whom.

All of it comes from the endings and their counts, never from the incidents: a day costs the same whether ten failures
came in it or a million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Union

from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncHour

from ..catalogue import CODES, explained
from ..codes import Code
from ..outcomes import Outcome
from .models import DIMENSIONS, DayCount, Ending, MinuteCount

FAULTS = tuple(outcome.value for outcome in Outcome if outcome.is_fault)

MEANT = tuple(name for name, code in CODES.items() if code.is_meant)
"""Codes of ends that are faults by their outcome, and that an operator wanted."""

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


def days_until(now: datetime, days: int | None) -> QuerySet[DayCount]:
    """The last days, today among them; ``None``: all that is kept."""
    counts: QuerySet[DayCount] = _with_dimensions(DayCount.objects)
    return counts if days is None else counts.filter(day__gt=DayCount.day_of(now) - timedelta(days=days))


def _with_dimensions(counts: Any) -> Any:
    return counts.annotate(**{name: F(f"ending__{name}") for name in DIMENSIONS})


Columns = dict[str, list[tuple[date, dict[str, int]]]]
"""By account: each day, or the start of each hour, and how often each outcome came in it."""


def last_hours(now: datetime, filters: Filters, hours: int = 24) -> Columns:
    this_hour = now.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - timedelta(hours=ago) for ago in reversed(range(hours))]
    counts = minutes_since(starts[0]).annotate(start=TruncHour("last_at", tzinfo=timezone.utc))
    return _columns(starts, counts.filter(**filters), "start")


def last_days(now: datetime, filters: Filters, days: int = 30) -> Columns:
    """Days of the site's time zone, today among them."""
    today = DayCount.day_of(now)
    all_days = [today - timedelta(days=ago) for ago in reversed(range(days))]
    return _columns(all_days, days_until(now, days).filter(**filters), "day")


def _columns(starts: Sequence[date], counts: Counts, column: str) -> Columns:
    counted: dict[tuple[str, date], dict[str, int]] = defaultdict(dict)
    for account, value, outcome, number in _summed(counts, "account", column, "outcome"):
        counted[account, value][outcome] = number
    accounts = sorted({account for account, _ in counted})
    return {account: [(start, counted[account, start]) for start in starts] for account in accounts}


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
