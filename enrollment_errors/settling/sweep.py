"""Bringing to an end what nobody has heard the end of: the processor is asked, gently, and nothing is sent to it.

One sweep at a time looks at a row: it moves the row's turn on by ``LEASE``. So several sweeps share the rows, and the
row of one that was killed comes up again by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

from django.db import DatabaseError, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from .. import conf, hooks
from ..adapter import Agency, Enrollment, Identity, Method
from ..attempt import Attempt
from ..clock import SYSTEM_CLOCK, Clock, Deadline
from ..exceptions import CircuitOpen, LinkNeverSettled, LinkNotMade
from ..journal import Entry
from ..opening import limits
from ..outcomes import Stage
from ..processors.base import Processor
from ..reporting.report import Event, Origin, Report
from .kept import database, is_counted_later, locked, prune, request_is_over, rows
from .models import SentLink, State
from .sealing import unsealed

PARTY = "settling"
"""For whom the calls are made. All are one party: no sweep opens a circuit, and one that failed probes after riders."""
PACE = 0.2
"""Seconds between two calls."""
LEASE = timedelta(seconds=60)
"""For how long a row is its sweep's own, beyond the time that its call may take."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
WAITING = "waiting"
"""What has become of a row that is to be looked at again. What has ended is a ``State``."""


def due() -> QuerySet[SentLink]:
    found: QuerySet[SentLink] = rows().filter(state=State.OPEN, next_at__lte=timezone.now()).order_by("next_at")
    return found


def sweep(
    *, on_row: Callable[[SentLink, str], None] = lambda row, end: None, clock: Clock = SYSTEM_CLOCK
) -> Counter[str]:
    """Look at each row whose turn it is. Returns how many came to what. Raises what the database raises."""
    ends: Counter[str] = Counter()
    while (row := _take()) is not None:
        if ends:
            clock.sleep(PACE)
        end = _settle(row)
        ends[end] += 1
        on_row(row, end)
    prune(timezone.now() - timedelta(days=conf.get_settings().INCIDENTS_KEPT_DAYS))
    return ends


def ask_now(row: SentLink) -> str | None:
    """As ``sweep`` does with this row, whether or not it is its turn. ``None`` where it has ended, where its own
    request may be under way, and where somebody else takes it at the same moment."""
    now = timezone.now()
    mine = rows().filter(pk=row.pk, state=State.OPEN, asked=row.asked, next_at=row.next_at)
    if now < request_is_over(row.opened_at) or not mine.update(next_at=request_is_over(now) + LEASE):
        return None
    return _settle(row)


def _take() -> SentLink | None:
    """The next row, ours until the lease is over."""
    while True:
        with transaction.atomic(using=database()):
            skips = connections[database()].features.has_select_for_update_skip_locked
            row: SentLink | None = due().select_for_update(skip_locked=skips).first()
            if row is None:
                return None
            until = request_is_over(timezone.now()) + LEASE
            if rows().filter(pk=row.pk, next_at=row.next_at).update(next_at=until):
                return row


def _settle(row: SentLink) -> str:
    known = unsealed(row.sealed)
    if known is None:
        return _expire(row, _attempt(row, _enrollment_of(row), _NOWHERE), None)
    attempt = _attempt(row, known.enrollment, known.origin)
    try:
        result = attempt.settle(_processor(attempt), known.link, _SweptEntry(row))
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a processor's own code raises: the next time it may not
        return _unanswered(row, attempt, error)
    if result is None:
        return _absent(row, attempt)
    if result.is_new:
        hooks.on_settled(known.enrollment, result)
    return State.LINKED


def _attempt(row: SentLink, enrollment: Enrollment, origin: Origin) -> Attempt:
    return Attempt(Event.RETURNED_ENROLLMENT, enrollment, origin, reference=row.reference)


def _processor(attempt: Attempt) -> Processor:
    settings = conf.get_settings()
    once = replace(limits(settings), attempts=1)
    return attempt.account().open(deadline=Deadline(settings.BUDGET), limits=once, parties=[PARTY])


def _absent(row: SentLink, attempt: Attempt) -> str:
    """The card is not in the group, or not with the expiry that was wanted. That is the end where no request for it can
    be at work any more."""
    quiet = timedelta(seconds=conf.get_settings().LINK_QUIET_TIME)
    with transaction.atomic(using=database()):
        same = locked(row.link)
        over_at = request_is_over(max(same.values(), default=row.opened_at)) + quiet
        if timezone.now() < over_at:
            rows().filter(pk=row.pk, state=State.OPEN).update(next_at=over_at)
            return WAITING
        if row.pk not in same:
            return WAITING  # its own request has told its end meanwhile
        _end(same, State.NOT_LINKED)
    attempt.fail(LinkNotMade(), Stage.LINK)
    return State.NOT_LINKED


def _unanswered(row: SentLink, attempt: Attempt, error: Exception) -> str:
    now = timezone.now()
    if now - row.opened_at >= timedelta(hours=conf.get_settings().SETTLING_HOURS):
        return _expire(row, attempt, error)
    asked = row.asked if isinstance(error, CircuitOpen) else row.asked + 1
    pause = min(FIRST_PAUSE * 2 ** max(0, min(asked, 10) - 1), LONGEST_PAUSE)
    rows().filter(pk=row.pk, state=State.OPEN).update(next_at=now + pause, asked=asked)
    return WAITING


def _expire(row: SentLink, attempt: Attempt, unanswered: Exception | None) -> str:
    with transaction.atomic(using=database()):
        if row.pk not in locked(row.link):
            return WAITING
        _end([row.pk], State.EXPIRED)
    attempt.fail(LinkNeverSettled(unanswered), Stage.LINK)
    return State.EXPIRED


def _end(keys: Collection[int], state: str) -> None:
    rows().filter(pk__in=keys).update(state=state, sealed="", next_at=None, ended_at=timezone.now())


class _SweptEntry(Entry):
    """A row that the sweep has in hand. Its success is counted, and entered into the ledger, in the
    transaction that ends it."""

    def __init__(self, row: SentLink) -> None:
        self._row = row
        # It is counted below, and no row has this name: the sink does not count it a second time by another row.
        self.kept_as = "counted"

    def linked(self, report: Report) -> str | None:
        with transaction.atomic(using=database()):
            same = locked(self._row.link)
            if self._row.pk not in same:
                return self._row.reference
            _end(same, State.LINKED)
            if is_counted_later():
                from ..incidents.sink import count_at_once  # its models are there only where it is installed

                count_at_once(report)
            if conf.LEDGER_SINK in conf.get_settings().SINKS:
                from ..ledger.sink import write  # as above

                write(report)
        return None

    def drop(self) -> None:
        """Another request has told of the link, and counts it."""
        _end([self._row.pk], State.LINKED)


_NOWHERE = Origin(path="", language="", identity=Identity(user_id="", device_id="", session_id=0))


def _enrollment_of(row: SentLink) -> Enrollment:
    """As far as a row tells that cannot be read: for the report of its end."""
    return Enrollment(
        agency=Agency(slug=row.agency, name=row.agency, home_url="/"),
        account=row.account,
        group_id="unknown",
        flow=row.flow,
        verifier="",
        method=Method(row.method),
    )
