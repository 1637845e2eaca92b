"""Calls the site's own hooks. Their errors do not change what the rider sees."""

from __future__ import annotations

from contextlib import ExitStack

from django.db import connections, transaction
from django.http import HttpRequest

from . import conf
from .adapter import Enrollment
from .reporting.site_errors import site_error
from .results import Result


def on_success(request: HttpRequest, enrollment: Enrollment, result: Result) -> None:
    """Calls ``Adapter.on_success`` in its own transaction, then saves the session.

    It saves now because the middleware that saves the session does not run if the rider has disconnected.
    """
    try:
        with ExitStack() as transactions:
            for alias in connections:
                if connections[alias].in_atomic_block or connections.settings[alias]["ATOMIC_REQUESTS"]:
                    transactions.enter_context(transaction.atomic(using=alias))
            conf.get_adapter().on_success(request, enrollment, result)
    except Exception as error:  # noqa: BLE001  the card is linked, even if the site's hook fails
        site_error(error, "Adapter.on_success")
    session = getattr(request, "session", None)
    if session is not None and session.modified:
        session.save()  # replaced in decorators: it reports errors instead of raising them


def on_settled(enrollment: Enrollment, result: Result) -> None:
    """Calls ``Adapter.on_settled`` for a link that no request is waiting for."""
    try:
        conf.get_adapter().on_settled(enrollment, result)
    except Exception as error:  # noqa: BLE001  the link is settled, even if the site's hook fails
        site_error(error, "Adapter.on_settled")
