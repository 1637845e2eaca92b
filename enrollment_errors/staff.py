"""Who enrolls a rider in person: told to the sinks under an id that stays the same and names nobody."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from . import conf
from .encryption import keyed_digest
from .in_person import is_in_person
from .reporting.site_errors import site_error


def verified_by(request: HttpRequest) -> str:
    """The id of the staff member who is at this browser; empty in self-service, and where the site does not say."""
    if not is_in_person(request):
        return ""
    try:
        member = conf.get_adapter().get_staff_member(request)
    except Exception as error:  # noqa: BLE001  the rider is enrolled, whoever does it
        site_error(error, "Adapter.get_staff_member")
        return ""
    return staff_id(member) if member else ""


def staff_id(member: str, *, secret: str | bytes | None = None) -> str:
    """The id of whom ``Adapter.get_staff_member`` calls ``member``, as the incidents and events have it.

    ``secret`` is an earlier ``SECRET_KEY``; ``None`` for the present one.
    """
    return keyed_digest("staff", member, secret=secret)


def username_of(sought: str) -> str | None:
    """Whose id it is, under the present ``SECRET_KEY`` or one of its fallbacks; ``None`` where no user has it."""
    for user in get_user_model()._default_manager.iterator():
        if sought in (
            staff_id(str(user.pk), secret=key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        ):
            return str(user.get_username())
    return None
