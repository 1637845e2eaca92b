"""The promise to link a rider's card later, made if the processor goes down after the card was read.

Each promise has its own page. The address contains a random name, signed and valid for as long as the promise is kept.
It contains nothing about the rider or the card, and opening it needs no session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.core.signing import BadSignature, TimestampSigner

from . import conf
from .adapter import Agency

PARAMETER = "finishing"
"""The parameter of the address that holds the signed name."""
_SALT = "enrollment_errors.finishing"


class Progress(str, Enum):
    WAITING = "waiting"  # for the processor
    CHECKING = "checking"  # the link was sent, but its answer is not known
    ENROLLED = "enrolled"
    NOT_DONE = "not_done"
    NOT_KNOWN = "not_known"
    CANCELED = "canceled"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """``until`` is when it ends (aware), or ``None`` if the rider has canceled it."""

    reference: str
    progress: Progress
    until: datetime | None
    agency: Agency

    @property
    def can_be_canceled(self) -> bool:
        return self.until is not None and self.progress in (Progress.WAITING, Progress.CHECKING)


class JournalDown(Exception):
    """The status of a promise cannot be read now, and the promise cannot be canceled."""


def signed_name(name: str) -> str:
    return TimestampSigner(salt=_SALT).sign(name)


def name_in(signed: str) -> str | None:
    """The name, or ``None`` if this site did not sign it or the signature is too old."""
    settings = conf.get_settings()
    kept = timedelta(days=settings.INCIDENTS_KEPT_DAYS, hours=settings.SETTLING_HOURS)
    try:
        return TimestampSigner(salt=_SALT).unsign(signed, max_age=kept)
    except BadSignature:
        return None
