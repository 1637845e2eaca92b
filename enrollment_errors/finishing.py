"""What a rider is promised whose card was read while the processor was down: that the link is made later.

The promise has a page of its own. Its address holds a random name, signed and good for as long as anything is kept of
the promise: nothing of the rider or of the card, and no session is needed to open it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.core.signing import BadSignature, TimestampSigner

from . import conf
from .adapter import Agency

PARAMETER = "finishing"
"""Of the address, with the signed name."""
_SALT = "enrollment_errors.finishing"


class Progress(str, Enum):
    WAITING = "waiting"  # for the processor
    CHECKING = "checking"  # the link was sent, and its answer is not known
    ENROLLED = "enrolled"
    NOT_DONE = "not_done"
    NOT_KNOWN = "not_known"
    CANCELED = "canceled"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """``until`` is when it ends (aware); ``None`` where the rider does not want it any more."""

    reference: str
    progress: Progress
    until: datetime | None
    agency: Agency

    @property
    def can_be_canceled(self) -> bool:
        return self.until is not None and self.progress in (Progress.WAITING, Progress.CHECKING)


class JournalDown(Exception):
    """Nobody can say now what became of a promise, or take it back."""


def signed_name(name: str) -> str:
    return TimestampSigner(salt=_SALT).sign(name)


def name_in(signed: str) -> str | None:
    """``None`` where this site did not sign it, or too long ago."""
    settings = conf.get_settings()
    kept = timedelta(days=settings.INCIDENTS_KEPT_DAYS, hours=settings.SETTLING_HOURS)
    try:
        return TimestampSigner(salt=_SALT).unsign(signed, max_age=kept)
    except BadSignature:
        return None
