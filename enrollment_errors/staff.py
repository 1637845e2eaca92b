"""Identifies the staff member who enrolls a rider in person. Sinks get a stable id that reveals no name."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from . import conf
from .encryption import keyed_digest
from .in_person import is_in_person
from .reporting.site_errors import site_error


def verified_by(request: HttpRequest) -> str:
    """The id of the staff member at this browser; empty in self-service, or if the site does not name one."""
    if not is_in_person(request):
        return ""
    try:
        member = conf.get_adapter().get_staff_member(request)
    except Exception as error:  # noqa: BLE001  the rider is enrolled anyway
        site_error(error, "Adapter.get_staff_member")
        return ""
    return staff_id(member) if member else ""


def staff_id(member: str, *, secret: str | bytes | None = None) -> str:
    """The id, as in incidents and events, of the staff member that ``Adapter.get_staff_member`` calls ``member``.

    ``secret`` is an earlier ``SECRET_KEY``; ``None`` means the current one.
    """
    return keyed_digest("staff", member, secret=secret)


def username_of(sought: str) -> str | None:
    """The username for this id, under the current ``SECRET_KEY`` or a fallback; ``None`` if no user has it."""
    for user in get_user_model()._default_manager.iterator():
        if sought in (
            staff_id(str(user.pk), secret=key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        ):
            return str(user.get_username())
    return None
