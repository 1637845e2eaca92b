"""Calling the site's own hooks so that nothing of theirs changes what the rider sees."""

from __future__ import annotations

from contextlib import ExitStack

from django.db import connections, transaction
from django.http import HttpRequest

from . import conf
from .adapter import Enrollment
from .reporting.site_errors import site_error
from .results import Result


def on_success(request: HttpRequest, enrollment: Enrollment, result: Result) -> None:
    """``Adapter.on_success``, in a transaction of its own, and what it has put into the session saved.

    Saved now, because a rider who has hung up gets no answer, and the middleware that saves the session is not asked.
    """
    try:
        with ExitStack() as transactions:
            for alias in connections:
                if connections[alias].in_atomic_block or connections.settings[alias]["ATOMIC_REQUESTS"]:
                    transactions.enter_context(transaction.atomic(using=alias))
            conf.get_adapter().on_success(request, enrollment, result)
    except Exception as error:  # noqa: BLE001  the card is linked, whatever the site's hook thinks of it
        site_error(error, "Adapter.on_success")
    session = getattr(request, "session", None)
    if session is not None and session.modified:
        session.save()  # one of ours: it reports what goes wrong, and raises nothing


def on_settled(enrollment: Enrollment, result: Result) -> None:
    """``Adapter.on_settled``, of a link that no request is waiting for."""
    try:
        conf.get_adapter().on_settled(enrollment, result)
    except Exception as error:  # noqa: BLE001  the link is settled, whatever the site's hook thinks of it
        site_error(error, "Adapter.on_settled")
