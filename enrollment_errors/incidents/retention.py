"""What is kept for how long, and how fine: incidents for as long as the site wants, counts by the hour and by the day.

Counts come by the minute and the process, as the status needs them. What is older is asked for by the hour and then by
the day, so rows are put together; whoever sums them up sees no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import models, router, transaction
from django.db.models import Min
from django.utils.timezone import make_aware, make_naive

from ..models import DIMENSIONS, Incident, OutcomeCount

BY_HOUR_AFTER = timedelta(hours=2)
BY_DAY_AFTER = timedelta(days=2)
AT_ONCE = 500
"""Rows that one statement touches: it locks few of them, and every database takes that many parameters."""

Span = tuple[datetime, datetime]


def delete_older_than(moment: datetime) -> tuple[int, int]:
    """Deletes incidents, and counts of ends, before ``moment``. Returns how many rows of each."""
    return _delete(Incident, at__lt=moment), _delete(OutcomeCount, last_at__lt=moment)


def condense(now: datetime) -> int:
    """Puts counts of ends together. Returns how many rows fewer there are."""
    by_day_before = now - BY_DAY_AFTER
    fewer = sum(_condense(span) for span in _days_since_the_oldest(by_day_before))
    return fewer + sum(_condense(span) for span in _hours(by_day_before, now - BY_HOUR_AFTER))


def _rows(model: type[models.Model]) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = model._default_manager.using(router.db_for_write(model))
    return rows


def _delete(model: type[models.Model], **condition: Any) -> int:
    rows = _rows(model).filter(**condition).order_by("pk")
    deleted = 0
    while some := list(rows.values_list("pk", flat=True)[:AT_ONCE]):
        _rows(model).filter(pk__in=some).delete()
        deleted += len(some)
    return deleted


def _days_since_the_oldest(before: datetime) -> Iterator[Span]:
    """Days of the site's time zone, as the overview draws them."""
    oldest = _rows(OutcomeCount).aggregate(oldest=Min("last_at"))["oldest"]
    start = oldest
    while start is not None and start < before:
        midnight = make_naive(start).replace(hour=0, minute=0, second=0, microsecond=0)
        next_midnight = make_aware(midnight + timedelta(days=1))
        yield start, min(next_midnight, before)
        start = next_midnight


def _hours(since: datetime, before: datetime) -> Iterator[Span]:
    start = since
    while start < before:
        hour = start.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
        yield start, min(hour + timedelta(hours=1), before)
        start = hour + timedelta(hours=1)


def _condense(span: Span) -> int:
    """Locks the span's rows, so that nobody else does the same meanwhile; whoever writes only adds rows."""
    start, end = span
    alike: dict[tuple[Any, ...], list[OutcomeCount]] = {}
    with transaction.atomic(using=router.db_for_write(OutcomeCount)):
        rows = _rows(OutcomeCount).select_for_update().filter(last_at__gte=start, last_at__lt=end)
        for count in rows.order_by("pk"):
            alike.setdefault(tuple(getattr(count, name) for name in DIMENSIONS), []).append(count)
        several = [counts for counts in alike.values() if len(counts) > 1]
        keys = [count.pk for counts in several for count in counts]
        for begin in range(0, len(keys), AT_ONCE):
            _rows(OutcomeCount).filter(pk__in=keys[begin : begin + AT_ONCE]).delete()
        _rows(OutcomeCount).bulk_create(map(_together, several), batch_size=AT_ONCE)
    return len(keys) - len(several)


def _together(counts: Sequence[OutcomeCount]) -> OutcomeCount:
    return OutcomeCount(
        **{name: getattr(counts[0], name) for name in DIMENSIONS},
        count=sum(count.count for count in counts),
        unlisted=sum(count.unlisted for count in counts),
        first_at=min(count.first_at for count in counts),
        last_at=max(count.last_at for count in counts),
    )
