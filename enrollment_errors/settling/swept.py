"""A row that a sweep is processing: the request made for it, and how its success is reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from .. import conf
from ..adapter import Agency, Enrollment, Identity, Method
from ..attempt import Attempt
from ..clock import Deadline
from ..journal import Entry
from ..opening import limits
from ..processors.base import Processor
from ..reporting.report import Event, Origin, Report
from .models import SentLink, State
from .promises import FIRST_PAUSE
from .rows import UNENDED, end, is_counted_later, is_entered_later, locked, rows
from .sealing import Unsealed
from .transactions import committed

PARTY = "settling"
"""The party of all its calls. Because it is one party, no sweep opens a circuit, and after a failure it probes only
after riders."""
WAITING = "waiting"
"""The result for a row to look at again. A row that has ended has a ``State``."""


def pause_after(asked: int, longest: timedelta) -> timedelta:
    """Doubles each time the processor was asked in vain."""
    doubled: timedelta = FIRST_PAUSE * 2 ** max(0, min(asked, 10) - 1)
    return min(doubled, longest)


def attempt_for(row: SentLink, known: Unsealed | None) -> Attempt:
    """``known`` is what was sealed in the row, or ``None`` if that is unreadable."""
    if known is None:
        return Attempt(Event.RETURNED_ENROLLMENT, _enrollment_of(row), _NOWHERE, reference=row.reference)
    return Attempt(Event.RETURNED_ENROLLMENT, known.enrollment, known.origin, reference=row.reference, sent=known.link)


def processor_for(attempt: Attempt) -> Processor:
    settings = conf.get_settings()
    once = replace(limits(settings), attempts=1)
    return attempt.account().open(deadline=Deadline(settings.BUDGET), limits=once, parties=[PARTY])


class SweptEntry(Entry):
    """A row that the sweep is processing. Its success is counted and entered into the ledger in the transaction that
    ends it."""

    def __init__(self, row: SentLink) -> None:
        self._row = row
        # No row has this name, so the sink does not count it again by another row: it is counted below.
        self.kept_as = "counted"

    def linked(self, report: Report) -> str | None:
        def told() -> str | None:
            same = locked(self._row.link, *UNENDED)
            if self._row.pk not in same:
                return self._row.reference
            references = list(rows().filter(pk__in=same).values_list("reference", flat=True))
            end(same, State.LINKED)
            if is_counted_later():
                from ..incidents.sink import count_at_once  # its models exist only if the app is installed

                count_at_once(report)
            if is_entered_later():
                from ..ledger.sink import write  # as above

                # Another request may have reported it, but its worker may have died before counting it.
                return write(report, also_known_as=references)
            return None

        return committed(told)

    def drop(self) -> None:
        """Another request has reported the link, and counts it."""
        committed(lambda: end([self._row.pk], State.LINKED))


_NOWHERE = Origin(path="", language="", identity=Identity(user_id="", device_id="", session_id=0))


def _enrollment_of(row: SentLink) -> Enrollment:
    """As much as an unreadable row reveals, for the report of its end."""
    return Enrollment(
        agency=Agency(slug=row.agency, name=row.agency, home_url="/"),
        account=row.account,
        group_id="unknown",
        flow=row.flow,
        verifier="",
        method=Method(row.method),
    )
