"""What a code is, and which failures it stands for. The codes themselves are in ``catalogue``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .exceptions import EnrollmentError, StatusError
from .outcomes import Outcome, Stage


def gettext_noop(text: str) -> str:
    """Marks what only operators read, for the Spanish catalog. The page that shows it translates it."""
    return text


@dataclass(frozen=True, kw_only=True)
class When:
    """Which failures are meant. What it leaves out, it does not ask about.

    ``processor`` is the processor's name. ``status`` is one HTTP status or an inclusive range ``(500, 599)``. ``body``
    is a regular expression, searched without regard to case in the first few thousand characters of a processor's
    answer.
    """

    processor: str | None = None
    stage: Stage | None = None
    exception: type[BaseException] | None = None
    status: int | tuple[int, int] | None = None
    body: str | None = None

    def matches(self, error: BaseException, *, processor: str, stage: Stage | None) -> bool:
        return (
            (self.processor is None or self.processor == processor)
            and (self.stage is None or self.stage is stage)
            and (self.exception is None or isinstance(error, self.exception))
            and (self.status is None or self._matches_status(error))
            and (self.body is None or self._matches_body(error))
        )

    def _matches_status(self, error: BaseException) -> bool:
        if not isinstance(error, EnrollmentError) or error.status is None:
            return False
        if isinstance(self.status, tuple):
            return self.status[0] <= error.status <= self.status[1]
        return error.status == self.status

    def _matches_body(self, error: BaseException) -> bool:
        return (
            isinstance(error, StatusError)
            and re.search(self.body or "", error.body.reveal(), re.IGNORECASE) is not None
        )


@dataclass(frozen=True, kw_only=True)
class Code:
    """``outcome`` decides the page, the HTTP status and whether Sentry hears of it.

    ``when`` is the failure that it stands for, if it stands for one, and ``reason`` why that failure ends so. What is
    not ``is_reported`` is told to the rider alone. What ``is_outage`` is one face of the same thing: the processor
    cannot be reached, or fails. What ``is_odd`` ends well for the rider, and somebody has to look at it all the same.
    What ``may_be_the_riders`` own connection leaves riders on the page, where they can try again, and is
    a warning. What ``is_meant`` is what an operator wants: it is counted, and is no fault.
    """

    outcome: Outcome
    meaning: str
    action: str = gettext_noop("Nothing.")
    when: When | None = None
    reason: str = ""
    is_reported: bool = True
    is_outage: bool = False
    is_odd: bool = False
    may_be_the_riders: bool = False
    is_meant: bool = False

    @property
    def is_fault(self) -> bool:
        return (self.outcome.is_fault or self.is_odd) and not self.is_meant

    @property
    def is_sentry_event(self) -> bool:
        return self.is_fault and self.is_reported
