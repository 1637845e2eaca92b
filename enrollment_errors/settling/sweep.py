"""Settles links whose answers were lost by asking the processor, gently. It sends only links that riders were promised.

Only one sweep at a time looks at a row, because it postpones the row's next turn by ``LEASE``. So several sweeps share
the rows, and if a sweep is killed, its row comes up again by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.utils import timezone

from .. import conf, hooks
from ..attempt import Attempt
from ..clock import SYSTEM_CLOCK, Clock
from ..exceptions import CircuitOpen, LinkNeverSettled, LinkNotMade
from ..outcomes import Stage
from .finish import finish, go_on
from .models import SentLink, State
from .rows import UNENDED, end, locked, prune, request_is_over, rows
from .sealing import unsealed
from .swept import WAITING, SweptEntry, attempt_for, pause_after, processor_for
from .transactions import committed, database

PACE = 0.2
"""Seconds between two calls."""
LEASE = timedelta(seconds=60)
"""How long a sweep owns a row, beyond the time its call may take."""
LONGEST_PAUSE = timedelta(hours=1)


def due() -> QuerySet[SentLink]:
    found: QuerySet[SentLink] = rows().filter(state__in=UNENDED, next_at__lte=timezone.now()).order_by("next_at")
    return found


def sweep(
    *, on_row: Callable[[SentLink, str], None] = lambda row, end: None, clock: Clock = SYSTEM_CLOCK
) -> Counter[str]:
    """Look at each row whose turn it is. Returns the number of rows by result. Raises the database's exceptions."""
    ends: Counter[str] = Counter()
    while (row := _take()) is not None:
        if ends:
            clock.sleep(PACE)
        came_to = _finish_or_settle(row)
        ends[came_to] += 1
        on_row(row, came_to)
    prune(timezone.now() - timedelta(days=conf.get_settings().INCIDENTS_KEPT_DAYS))
    return ends


def ask_now(row: SentLink) -> str | None:
    """Settle this row as ``sweep`` does, even if it is not its turn; never sends a link. ``None`` if the row has ended,
    waits to be finished, may still have its own request under way, or another sweep takes it at the same moment."""
    now = timezone.now()
    mine = rows().filter(pk=row.pk, state=State.OPEN, asked=row.asked, next_at=row.next_at)
    until = request_is_over(now) + LEASE
    if now < request_is_over(row.opened_at) or not committed(lambda: mine.update(next_at=until)):
        return None
    return _settle(row)


def _take() -> SentLink | None:
    """The next row, ours until the lease is over."""

    def one() -> tuple[SentLink | None, bool]:
        skips = connections[database()].features.has_select_for_update_skip_locked
        row: SentLink | None = due().select_for_update(skip_locked=skips).first()
        if row is None:
            return None, True
        until = request_is_over(timezone.now()) + LEASE
        return row, bool(rows().filter(pk=row.pk, next_at=row.next_at).update(next_at=until))

    while True:
        row, is_ours = committed(one)
        if is_ours:
            return row


def _finish_or_settle(row: SentLink) -> str:
    return finish(row) if row.state == State.FINISHING else _settle(row)


def _settle(row: SentLink) -> str:
    known = unsealed(row.sealed)
    if known is None:
        return _expire(row, attempt_for(row, None), None)
    attempt = attempt_for(row, known)
    try:
        result = attempt.settle(processor_for(attempt), known.link, SweptEntry(row))
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  a processor's own code may raise anything; next time it may work
        return _unanswered(row, attempt, error)
    if result is None:
        return _absent(row, attempt)
    if result.is_new:
        hooks.on_settled(known.enrollment, result)
    return State.LINKED


def _absent(row: SentLink, attempt: Attempt) -> str:
    """The card is not in the group, or not with the requested expiry. That is final once no request for it can still
    be at work."""
    quiet = timedelta(seconds=conf.get_settings().LINK_QUIET_TIME)

    def end_it() -> str:
        same = locked(row.link)
        over_at = request_is_over(max(same.values(), default=row.opened_at)) + quiet
        if timezone.now() < over_at:
            rows().filter(pk=row.pk, state=State.OPEN).update(next_at=over_at)
            return WAITING
        if row.pk not in same:
            return WAITING  # its own request has reported its end meanwhile
        promised = go_on(same)
        end(same.keys() - promised.keys(), State.NOT_LINKED)
        return promised.get(row.pk, State.NOT_LINKED)

    came_to = committed(end_it)
    if came_to == State.NOT_LINKED:
        attempt.fail(LinkNotMade(), Stage.LINK)
    return came_to


def _unanswered(row: SentLink, attempt: Attempt, error: Exception) -> str:
    now = timezone.now()
    if now - row.opened_at >= timedelta(hours=conf.get_settings().SETTLING_HOURS):
        return _expire(row, attempt, error)
    asked = row.asked if isinstance(error, CircuitOpen) else row.asked + 1
    pause = pause_after(asked, LONGEST_PAUSE)
    mine = rows().filter(pk=row.pk, state=State.OPEN)
    committed(lambda: mine.update(next_at=now + pause, asked=asked))
    return WAITING


def _expire(row: SentLink, attempt: Attempt, unanswered: Exception | None) -> str:

    def end_it() -> bool:
        is_open = row.pk in locked(row.link)
        if is_open:
            end([row.pk], State.EXPIRED)
        return is_open

    if not committed(end_it):
        return WAITING
    attempt.fail(LinkNeverSettled(unanswered), Stage.LINK)
    return State.EXPIRED
