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
    """Which failures match. A field that is ``None`` matches everything.

    ``processor`` is the processor's name. ``status`` is one HTTP status or an inclusive range ``(500, 599)``. ``body``
    is a regular expression, searched case-insensitively in the first few thousand characters of a processor's answer.
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
    """``outcome`` decides the page, the HTTP status and whether Sentry gets an event.

    ``label`` is what operators read in lists. ``when`` matches the failure that the code stands for, if any, and
    ``reason`` says why it has this outcome. Only the rider sees a code without ``is_reported``. All codes with
    ``is_outage`` mean the same: the processor is unreachable or failing. With ``is_odd``, all is well for the rider,
    but an operator must look. With ``may_be_the_riders``, the cause may be the rider's own connection: riders stay on
    the page, where they can try again, and it is a warning. With ``is_meant``, an operator wants it: it is counted,
    but is not a fault.
    """

    label: str
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
