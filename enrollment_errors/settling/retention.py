"""How long rows are kept: a link that has ended, as long as an incident."""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from . import rows


def prune(now: datetime) -> str:
    """Deletes expired rows. Returns a sentence that says what it deleted."""
    days = conf.get_settings().INCIDENTS_KEPT_DAYS
    deleted = rows.prune(now - timedelta(days=days))
    return f"Deleted {deleted} settled links that ended more than {days} days ago."
