"""The visit: the one value of ours in the site's session, on which all that is kept of a rider hangs.

It is random and says nothing of the rider. Another visit is another rider, or another proof of the same one.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from django.contrib.sessions.backends import signed_cookies
from django.http import HttpRequest

KEY = "enrollment_errors"
"""Ours in the site's session."""
BETWEEN_RIDERS = "between_riders"
"""In the visit, from "Next rider" until staff have seen the next one's proof."""

logger = logging.getLogger("enrollment_errors")


def forget_rider(request: HttpRequest, *, in_person: bool = False) -> None:
    """From here on the session is another rider's: nothing that was kept for the one before is used again.

    Call it wherever a session starts to speak for somebody else, or for another proof: at a staff desk or a kiosk with
    each new rider, and in the view that confirms eligibility. A session that is flushed needs no call.

    ``in_person`` says that staff have seen the proof of a rider at the counter: after "Next rider" they can enroll
    again. A staff member who enrolls online in the same browser has seen nobody's.
    """
    waits = not in_person and is_between_riders(request)
    request.session[KEY] = {**new_visit(), **({BETWEEN_RIDERS: True} if waits else {})}


def end_visit(request: HttpRequest) -> None:
    """The rider has left the counter. Until ``forget_rider`` says that another one has come, nobody is enrolled in
    person, whatever the session still says of the last one's proof."""
    request.session[KEY] = {**new_visit(), BETWEEN_RIDERS: True}


def is_between_riders(request: HttpRequest) -> bool:
    return (visit_in(request) or {}).get(BETWEEN_RIDERS, False) is True


def new_visit() -> dict[str, Any]:
    """``began`` is epoch milliseconds."""
    return {"id": secrets.token_hex(16), "began": int(time.time() * 1000)}


def visit_in(request: HttpRequest) -> dict[str, Any] | None:
    try:
        visit = request.session.get(KEY)
    except Exception as error:  # noqa: BLE001  whatever the site's session store may raise
        logger.warning("The session cannot be read: %s", type(error).__name__)
        return None
    return visit if isinstance(visit, dict) and {"id", "began"} <= visit.keys() else None


def keep_visit(request: HttpRequest, visit: dict[str, Any]) -> None:
    """Into the session as it is now, not as it was when the request began: another request may have changed it since.

    A session in a signed cookie has no other place than the response.
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
    except Exception as error:  # noqa: BLE001  whatever the site's session store may raise
        logger.warning("The session cannot be written: %s", type(error).__name__)
