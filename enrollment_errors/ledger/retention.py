"""How long the app keeps the ledger: as long as ``LEDGER_KEPT_DAYS`` says, or forever if it says nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from ..deletion import delete
from ..plural import counted
from .models import Entry, Unlink


def prune(now: datetime) -> str:
    """Deletes everything past its time. Returns a sentence that says what was deleted."""
    days = conf.get_settings().LEDGER_KEPT_DAYS
    if days is None:
        return "Deleted nothing from the ledger: LEDGER_KEPT_DAYS is not set, so it is kept forever."
    before = now - timedelta(days=days)
    entries, unlinks = delete(Entry, at__lt=before), delete(Unlink, at__lt=before)
    return (
        f"Deleted {counted(entries, 'enrollment')} and {counted(unlinks, 'removed card')} older than "
        f"{counted(days, 'day')} from the ledger."
    )
