"""The table's rows: which there are, which belong together, and how they end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from .. import conf
from .models import SentLink, State
from .transactions import committed, database

MARGIN = timedelta(seconds=5)
"""How much a request may exceed its call budget, clock differences included."""


def rows() -> QuerySet[SentLink]:
    found: QuerySet[SentLink] = SentLink._default_manager.using(database())
    return found


def locked(link: str, *states: str) -> dict[int, datetime]:
    """When each row of that link was opened, by key, for rows that are open, or in one of the ``states`` if given.
    Locks them for the transaction, if the database can lock rows, and always in the same order."""
    same = rows().select_for_update().filter(link=link, state__in=states or [State.OPEN]).order_by("pk")
    return dict(same.values_list("pk", "opened_at"))


def end(keys: Collection[int], state: str) -> None:
    rows().filter(pk__in=keys).update(state=state, sealed="", next_at=None, ended_at=timezone.now())


UNENDED = (State.OPEN, State.FINISHING)


def _let_go(keys: Collection[int]) -> None:
    """Their link was made and reported. A promised row has a page, so it stays, as enrolled."""
    promised = list(rows().filter(pk__in=keys).exclude(finishing="").values_list("pk", flat=True))
    end(promised, State.LINKED)
    rows().filter(pk__in=set(keys) - set(promised)).delete()


def told(link: str) -> Collection[int]:
    """Release everything kept about a link that was made and reported. Returns the rows."""

    def let_go() -> Collection[int]:
        same = locked(link, *UNENDED)
        _let_go(same)
        return same

    return committed(let_go)


def prune(before: datetime) -> int:
    deleted: int = rows().filter(ended_at__lt=before).delete()[0]
    return deleted


def request_is_over(opened_at: datetime) -> datetime:
    return opened_at + timedelta(seconds=conf.get_settings().BUDGET) + MARGIN


def is_counted_later() -> bool:
    return conf.INCIDENT_SINK in conf.get_settings().SINKS


def is_entered_later() -> bool:
    """Whether it is entered into the ledger later."""
    return conf.LEDGER_SINK in conf.get_settings().SINKS
