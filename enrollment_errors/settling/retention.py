"""What is kept for how long: of a link that has ended, as long as an incident."""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from . import rows


def prune(now: datetime) -> str:
    """Deletes what is no longer kept. Returns what it was, in a sentence."""
    days = conf.get_settings().INCIDENTS_KEPT_DAYS
    deleted = rows.prune(now - timedelta(days=days))
    return f"Deleted {deleted} settled links that ended more than {days} days ago."
