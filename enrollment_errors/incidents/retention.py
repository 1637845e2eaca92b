"""What is kept for how long: incidents and counts by the day for as long as the site wants, counts by the minute for as
long as they are asked for, and endings for as long as there are counts of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models, router, transaction

from .models import DayCount, Ending, Incident, MinuteCount

MINUTES_KEPT = timedelta(days=2)
"""Whoever asks for what is older asks by the day."""
AT_ONCE = 500
"""Rows that one statement touches: it locks few of them, and every database takes that many parameters."""


def delete_older_than(moment: datetime) -> tuple[int, int]:
    """Deletes incidents before ``moment``, and counts of the days before it. Returns how many rows of each."""
    return _delete(Incident, at__lt=moment), _delete(DayCount, day__lt=DayCount.day_of(moment))


def delete_minutes(now: datetime) -> int:
    """Deletes counts by the minute that are no longer needed. Returns how many."""
    return _delete(MinuteCount, last_at__lt=now - MINUTES_KEPT)


def forget_endings() -> None:
    """Deletes those without counts.

    Each is locked before it is looked at again: a count that comes meanwhile waits, and makes the ending again.
    """
    unused = _rows(Ending).filter(minutecounts=None, daycounts=None)
    for key in list(unused.values_list("pk", flat=True)):
        with transaction.atomic(using=router.db_for_write(Ending)):
            _rows(Ending).select_for_update().filter(pk=key).first()
            unused.filter(pk=key).delete()


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
