"""What is kept for how long: as long as the site wants, which is forever where it does not say."""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from ..deletion import delete
from .models import Entry, Unlink


def prune(now: datetime) -> str:
    """Deletes what is no longer kept. Returns what it was, in a sentence."""
    days = conf.get_settings().LEDGER_KEPT_DAYS
    if days is None:
        return "The ledger is kept forever."
    before = now - timedelta(days=days)
    entries, unlinks = delete(Entry, at__lt=before), delete(Unlink, at__lt=before)
    return f"Deleted {entries} enrollments of the ledger and {unlinks} removed cards older than {days} days."
