"""How long rows are kept: a link that has ended, as long as an incident."""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from ..plural import counted
from . import rows


def prune(now: datetime) -> str:
    """Deletes expired rows. Returns a sentence that says what it deleted."""
    days = conf.get_settings().INCIDENTS_KEPT_DAYS
    deleted = rows.prune(now - timedelta(days=days))
    return f"Deleted {counted(deleted, 'settled link')} that ended more than {counted(days, 'day')} ago."
