"""The promise to finish a rider's enrollment later: how it begins, what its page says, and how the rider cancels it."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils import timezone

from .. import card_limit, conf
from ..finishing import Progress, Promise
from ..packing import packed_agency, unpacked_agency
from ..reporting.report import Report
from .models import SentLink, State
from .rows import UNENDED, end, locked, request_is_over, rows
from .sealing import unsealed
from .transactions import committed

FIRST_PAUSE = timedelta(minutes=1)


def promised(row: SentLink, until: datetime, report: Report) -> str:
    """The name of the promise; empty if there is no time left to keep it."""
    assert report.enrollment is not None
    now = timezone.now()
    until = min(until, now + timedelta(hours=conf.get_settings().SETTLING_HOURS))
    if until <= request_is_over(now + FIRST_PAUSE):
        return ""
    name = secrets.token_hex(16)
    changed = (
        rows()
        .filter(pk=row.pk, state=State.OPEN)
        .update(
            state=State.FINISHING,
            reference=report.reference,
            next_at=now + FIRST_PAUSE,
            finishing=name,
            finish_until=until,
            shown_agency=packed_agency(report.enrollment.agency),
        )
    )
    return name if changed else ""


def promise_of(row: SentLink) -> Promise:
    return Promise(
        reference=row.reference,
        progress=_progress(row),
        until=row.finish_until,
        agency=unpacked_agency(row.shown_agency),
    )


def _progress(row: SentLink) -> Progress:
    if row.state == State.FINISHING and row.finish_until is not None and row.finish_until <= timezone.now():
        return Progress.NOT_DONE  # even if no sweep has looked at it since
    return _PROGRESS[State(row.state)]


_PROGRESS = {
    State.OPEN: Progress.CHECKING,
    State.FINISHING: Progress.WAITING,
    State.LINKED: Progress.ENROLLED,
    State.NOT_LINKED: Progress.NOT_DONE,
    State.NOT_FINISHED: Progress.NOT_DONE,
    State.CANCELED: Progress.CANCELED,
    State.EXPIRED: Progress.NOT_KNOWN,
}


def canceled(name: str) -> bool:
    """Cancels every promise for the same link: the rider means the card, not the page. A link already being sent is not
    stopped, but is not tried again."""

    def cancel_all() -> bool:
        link = rows().filter(finishing=name).values_list("link", flat=True).first()
        if link is None:
            return False
        locked(link, *UNENDED)
        waiting = list(rows().filter(link=link, state=State.FINISHING).values_list("pk", flat=True))
        cancel(waiting)
        under_way = rows().filter(link=link, state=State.OPEN).exclude(finishing="")
        under_way.update(finish_until=None)
        return True

    return committed(cancel_all)


def cancel(keys: Collection[int]) -> None:
    """End these promises. Their cards can make way for others."""
    for text in rows().filter(pk__in=keys).values_list("sealed", flat=True):
        known = unsealed(text)
        card_limit.give_back(known.link if known else None)
    end(keys, State.CANCELED)
