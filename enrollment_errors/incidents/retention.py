"""How long the app keeps data: incidents and counts by the day as long as the site wants, counts by the minute as long
as pages need them, and endings as long as they have counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import router, transaction

from .. import conf
from ..deletion import delete, rows
from ..plural import counted
from .models import DayCount, Ending, Incident, MinuteCount

MINUTES_KEPT = timedelta(days=2)
"""For anything older, pages use the counts by the day."""


def prune(now: datetime) -> str:
    """Deletes everything past its time. Returns a sentence that says what was deleted."""
    days = conf.get_settings().INCIDENTS_KEPT_DAYS
    incidents, by_day = delete_older_than(now - timedelta(days=days))
    by_minute = delete_minutes(now)
    forget_endings()
    return (
        f"Deleted {counted(incidents, 'incident')} and {counted(by_day, 'daily count')} older than "
        f"{counted(days, 'day')}, and {counted(by_minute, 'count by the minute', 'counts by the minute')} older than "
        f"{MINUTES_KEPT.days} days."
    )


def delete_older_than(moment: datetime) -> tuple[int, int]:
    """Deletes incidents before ``moment``, and counts of the days before it. Returns how many there were of each."""
    return delete(Incident, at__lt=moment), delete(DayCount, day__lt=DayCount.day_of(moment))


def delete_minutes(now: datetime) -> int:
    """Deletes counts by the minute that are no longer needed. Returns how many."""
    return delete(MinuteCount, last_at__lt=now - MINUTES_KEPT)


def forget_endings() -> None:
    """Deletes endings without counts.

    It locks each one before it looks again: a count that arrives meanwhile waits, and then makes the ending again.
    """
    unused = rows(Ending).filter(minutecounts=None, daycounts=None)
    for key in list(unused.values_list("pk", flat=True)):
        with transaction.atomic(using=router.db_for_write(Ending)):
            rows(Ending).select_for_update().filter(pk=key).first()
            unused.filter(pk=key).delete()
