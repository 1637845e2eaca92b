"""The visit: our only value in the site's session. Everything that we keep for a rider belongs to it.

It is random and reveals nothing about the rider. A new visit means another rider, or another proof by the same one.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from django.contrib.sessions.backends import signed_cookies
from django.http import HttpRequest

KEY = "enrollment_errors"
"""Our key in the site's session."""
BETWEEN_RIDERS = "between_riders"
"""A key in the visit, set from "Next rider" until staff have seen the next rider's proof."""

logger = logging.getLogger("enrollment_errors")


def forget_rider(request: HttpRequest, *, in_person: bool = False) -> None:
    """Start a new visit, so that nothing kept for the previous rider is used again.

    Call it whenever the session changes to another rider or another proof: at a staff desk or a kiosk for each new
    rider, and in the view that confirms eligibility. You need not call it if you flush the session.

    Set ``in_person`` once staff have seen a rider's proof at the counter, so that they can enroll again after "Next
    rider". A staff member who enrolls online in the same browser has seen no rider's proof: leave it unset there.
    """
    waits = not in_person and is_between_riders(request)
    request.session[KEY] = {**new_visit(), **({BETWEEN_RIDERS: True} if waits else {})}


def end_visit(request: HttpRequest) -> None:
    """The rider has left the counter. Until ``forget_rider`` is called with ``in_person``, nobody can enroll in person,
    even if the session still has the last rider's proof."""
    request.session[KEY] = {**new_visit(), BETWEEN_RIDERS: True}


def is_between_riders(request: HttpRequest) -> bool:
    return (visit_in(request) or {}).get(BETWEEN_RIDERS, False) is True


def new_visit() -> dict[str, Any]:
    """``began`` is epoch milliseconds."""
    return {"id": secrets.token_hex(16), "began": int(time.time() * 1000)}


def visit_in(request: HttpRequest) -> dict[str, Any] | None:
    try:
        visit = request.session.get(KEY)
    except Exception as error:  # noqa: BLE001  the site's session store may raise anything
        logger.warning("The session cannot be read: %s", type(error).__name__)
        return None
    return visit if isinstance(visit, dict) and {"id", "began"} <= visit.keys() else None


def keep_visit(request: HttpRequest, visit: dict[str, Any]) -> None:
    """Save the visit to the session's current state: another request may have changed it since this one began.

    A session in a signed cookie can only go into the response.
    """
    session = request.session
    try:
        was_modified = session.modified
        session[KEY] = visit
        if session.session_key is not None and not isinstance(session, signed_cookies.SessionStore):
            session.modified = was_modified
            newest = type(session)(session.session_key)
            newest[KEY] = visit
            newest.save()
    except Exception as error:  # noqa: BLE001  the site's session store may raise anything
        logger.warning("The session cannot be written: %s", type(error).__name__)
