"""What an operator wants to know in one look: which causes there are, since when and for whom, and whether calls go on.

All of it comes from the counts, never from the incidents, so that it costs the same whether there are ten or a million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db.models import Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour
from django.utils.timezone import localtime, make_aware, make_naive

from .. import conf
from ..catalogue import Code, explained
from ..models import OutcomeCount
from ..outcomes import Outcome
from ..transport.circuit import CircuitState, Phase, read_state

FAULTS = tuple(outcome.value for outcome in Outcome if outcome.is_fault)

Filters = Mapping[str, str]
"""Some of ``account``, ``agency``, ``flow`` and ``method``, and the value that each must have."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Failures of one cause, as Sentry puts them together. ``agencies`` are the slugs, the most concerned one first.

    ``count`` is that of the period, and ``unlisted`` how many of them have no row among the incidents. ``first_at`` and
    ``last_at`` are those of all that is kept.
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


@dataclass(frozen=True, kw_only=True)
class AccountCircuit:
    """``since`` is when it is as it is, ``until`` when the next probe is due."""

    account: str
    processor: str
    phase: Phase
    since: datetime | None
    until: datetime | None


def causes(since: datetime | None, filters: Filters, *, outcomes: Sequence[str]) -> list[Cause]:
    """The causes with one of ``outcomes`` since then (``None``: all that is kept), the most frequent first."""
    cause = ("processor", "stage", "code", "upstream_status", "outcome")
    in_period = Q() if since is None else Q(last_at__gte=since)
    rows = (
        OutcomeCount.objects.filter(**filters, outcome__in=outcomes)
        .values(*cause, "agency")
        .annotate(
            period_count=Sum("count", filter=in_period, default=0),
            period_unlisted=Sum("unlisted", filter=in_period, default=0),
            first=Min("first_at"),
            last=Max("last_at"),
        )
        .order_by("-period_count", "agency")
    )
    by_cause = defaultdict(list)
    for row in rows:
        by_cause[tuple(row[name] for name in cause)].append(row)
    found = [
        Cause(
            **dict(zip(cause, key, strict=True)),
            count=sum(row["period_count"] for row in alike),
            unlisted=sum(row["period_unlisted"] for row in alike),
            first_at=min(row["first"] for row in alike),
            last_at=max(row["last"] for row in alike),
            agencies=[row["agency"] for row in alike if row["agency"] and row["period_count"]],
        )
        for key, alike in by_cause.items()
    ]
    return sorted((cause for cause in found if cause.count), key=lambda cause: cause.count, reverse=True)


def known_values(*names: str) -> dict[str, list[str]]:
    """What there is of each name (``agency``, …), in one query."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for combination in OutcomeCount.objects.order_by().values_list(*names).distinct():
        for name, value in zip(names, combination, strict=True):
            found[name].add(value)
    return {name: sorted(values - {""}) for name, values in found.items()}


Columns = dict[str, list[tuple[datetime, dict[str, int]]]]
"""By account: the start of each hour or day, and how often each outcome came in it."""


def last_hours(now: datetime, filters: Filters, hours: int = 24) -> Columns:
    this_hour = now.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - timedelta(hours=ago) for ago in reversed(range(hours))]
    return _columns(starts, filters, TruncHour("last_at", tzinfo=timezone.utc))


def last_days(now: datetime, filters: Filters, days: int = 30) -> Columns:
    """Days of the site's time zone, today among them."""
    midnight = make_naive(now).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [make_aware(midnight - timedelta(days=ago)) for ago in reversed(range(days))]
    return _columns(starts, filters, TruncDay("last_at"))


def _columns(starts: Sequence[datetime], filters: Filters, start: Any) -> Columns:
    counted: dict[tuple[str, datetime], dict[str, int]] = defaultdict(dict)
    counts = _counts_since(starts[0], filters).annotate(start=start)
    for account, moment, outcome, number in _summed(counts, "account", "start", "outcome"):
        counted[account, moment][outcome] = number
    accounts = sorted({account for account, _ in counted})
    return {account: [(moment, counted[account, moment]) for moment in starts] for account in accounts}


def outcomes_since(since: datetime) -> dict[str, dict[str, int]]:
    """By account: how often each outcome came."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for account, outcome, number in _summed(_counts_since(since, {}), "account", "outcome"):
        found[account][outcome] = number
    return dict(found)


def _counts_since(since: datetime, filters: Filters) -> QuerySet[OutcomeCount]:
    counts: QuerySet[OutcomeCount] = OutcomeCount.objects.filter(**filters, last_at__gte=since)
    return counts


def _summed(counts: QuerySet[OutcomeCount], *names: str) -> Iterable[tuple[Any, ...]]:
    sums: Iterable[tuple[Any, ...]] = counts.order_by().values_list(*names).annotate(Sum("count"))
    return sums


def first_and_last_fault() -> tuple[datetime | None, datetime | None]:
    """Of all that is kept."""
    found = OutcomeCount.objects.filter(outcome__in=FAULTS).aggregate(first=Min("first_at"), last=Max("last_at"))
    return found["first"], found["last"]


def circuits() -> list[AccountCircuit]:
    """Of every account that the site has set up. Asks the cache, and changes nothing."""
    settings = conf.get_settings()
    return [
        _circuit(account.name, account.processor.name, read_state(account.name, settings.CACHE))
        for account in settings.PROCESSORS.values()
    ]


def _circuit(account: str, processor: str, state: CircuitState) -> AccountCircuit:
    return AccountCircuit(
        account=account,
        processor=processor,
        phase=state.phase,
        since=_moment(state.since),
        until=_moment(state.until),
    )


def _moment(epoch_seconds: float | None) -> datetime | None:
    return None if epoch_seconds is None else localtime(datetime.fromtimestamp(epoch_seconds, timezone.utc))
