"""Makes the links that riders were promised, once the processor answers again: one at a time, and gently.

While one link of an account fails, all of that account's links wait, and each round tries a different one. Once one
succeeds, the others follow in the same sweep. Its row is ``OPEN`` from before a link is sent until its end is known: if
a sweep is killed, the row is settled like any other, and only links that were certainly not made are made again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from .. import hooks
from ..attempt import Attempt
from ..exceptions import (
    CircuitOpen,
    ExpiryNotClearable,
    LinkAnswerLost,
    LinkNotConfirmed,
    LinkNotFinished,
    ReenrollmentTooEarly,
    StatusError,
)
from ..outcomes import Stage
from .models import SentLink, State
from .promises import cancel
from .rows import request_is_over, rows
from .sealing import sealed, unsealed
from .swept import WAITING, SweptEntry, attempt_for, pause_after, processor_for
from .transactions import committed

LONGEST_PAUSE = timedelta(minutes=10)
TURN = timedelta(seconds=1)
"""How far a failed row moves behind the others of its account."""
_OUR_OWN_TROUBLE = (401, 403, 408, 425, 429)
"""Statuses that say nothing about this card or group: later, or with other credentials, they may change."""


def finish(row: SentLink) -> str:
    known, now = unsealed(row.sealed), timezone.now()
    if known is None:
        return _give_up(row, attempt_for(row, None), LinkNotFinished("what was kept is unreadable"))
    attempt = attempt_for(row, known)
    if row.finish_until is None or row.finish_until <= request_is_over(now):
        return _give_up(row, attempt, LinkNotFinished("the processor was down until it was too late"))
    wanted = replace(known.link, sent_at=now.timestamp())
    under_way = {"state": State.OPEN, "opened_at": now, "sealed": sealed(wanted, known.enrollment, known.origin)}
    if not committed(lambda: rows().filter(pk=row.pk, state=State.FINISHING).update(**under_way)):
        return WAITING  # canceled, or reported by the rider's own request
    try:
        attempt.check_switch()
        result = attempt.finish(processor_for(attempt), wanted, SweptEntry(row))
    except DatabaseError:
        raise
    except LinkAnswerLost:
        committed(lambda: rows().filter(pk=row.pk, state=State.OPEN).update(next_at=request_is_over(now)))
        return WAITING
    except Exception as error:  # noqa: BLE001  a processor's own code may raise anything; next time it may work
        return _failed(row, attempt, error)
    if result.is_new:
        hooks.on_settled(known.enrollment, result)
    others = rows().filter(account=row.account, state=State.FINISHING)
    committed(lambda: others.update(next_at=timezone.now()))
    return State.LINKED


def go_on(keys: Collection[int]) -> dict[int, str]:
    """Of the rows that turned out not to be linked, those that were promised, and the new state of each: the rider may
    have canceled the promise. Runs in the caller's transaction."""
    mine = rows().filter(pk__in=keys).exclude(finishing="")
    taken_back = list(mine.filter(finish_until=None).values_list("pk", flat=True))
    waiting = list(mine.exclude(finish_until=None).values_list("pk", flat=True))
    cancel(taken_back)
    rows().filter(pk__in=waiting).update(state=State.FINISHING, next_at=timezone.now())
    return {**dict.fromkeys(taken_back, str(State.CANCELED)), **dict.fromkeys(waiting, WAITING)}


def _failed(row: SentLink, attempt: Attempt, error: Exception) -> str:
    """The card was certainly not linked."""
    if isinstance(error, ReenrollmentTooEarly):
        return _end(row, attempt, error, State.LINKED)  # by another request, or at a counter
    if _is_about_this_card(error):
        return _give_up(row, attempt, error)
    asked = row.asked + (not isinstance(error, CircuitOpen))
    again_at = timezone.now() + pause_after(asked, LONGEST_PAUSE)

    def wait() -> dict[int, str]:
        came_to = go_on(rows().filter(pk=row.pk, state=State.OPEN).values_list("pk", flat=True))
        others = rows().filter(account=row.account, state=State.FINISHING)
        others.filter(next_at__lt=again_at).update(next_at=again_at)
        rows().filter(pk=row.pk, state=State.FINISHING).update(next_at=F("next_at") + TURN, asked=asked)
        return came_to

    return committed(wait).get(row.pk, WAITING)


def _is_about_this_card(error: Exception) -> bool:
    if isinstance(error, StatusError):
        return error.status < 500 and error.status not in _OUR_OWN_TROUBLE
    return isinstance(error, (ExpiryNotClearable, LinkNotConfirmed))


def _give_up(row: SentLink, attempt: Attempt, error: Exception) -> str:
    return _end(row, attempt, error, State.NOT_FINISHED)


def _end(row: SentLink, attempt: Attempt, error: Exception, state: str) -> str:
    """Reported once, by the request or sweep that ends it."""
    ended = {"state": state, "sealed": "", "next_at": None, "ended_at": timezone.now()}
    mine = rows().filter(pk=row.pk, state__in=[State.OPEN, State.FINISHING])
    if not committed(lambda: mine.update(**ended)):
        return WAITING
    attempt.fail(error, Stage.LINK)
    return state
