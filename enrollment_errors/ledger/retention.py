"""How long the app keeps the ledger: as long as ``LEDGER_KEPT_DAYS`` says, or forever if it says nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from ..deletion import delete
from .models import Entry, Unlink


def prune(now: datetime) -> str:
    """Deletes everything past its time. Returns a sentence that says what was deleted."""
    days = conf.get_settings().LEDGER_KEPT_DAYS
    if days is None:
        return "The ledger is kept forever."
    before = now - timedelta(days=days)
    entries, unlinks = delete(Entry, at__lt=before), delete(Unlink, at__lt=before)
    return f"Deleted {entries} enrollments of the ledger and {unlinks} removed cards older than {days} days."
