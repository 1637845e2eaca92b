"""The state of enrollment as JSON, for machines. It is off until the site gives it an address::

    path("status/enrollment/", enrollment_errors.incidents.status.status)

It answers requests that send the setting ``STATUS_TOKEN`` as ``Authorization: Bearer …``, and signed-in users with the
permission ``enrollment_incidents.view_incident``. Everyone else gets a 404.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import Error as DatabaseFailed
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.timezone import localtime, now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import conf
from ..availability import Notice, availability, notices
from ..circuits import circuits
from ..reporting.sentry_scrubbing import scrub_request
from ..secret import Secret
from .models import VIEW_PERMISSION
from .overview import first_and_last_fault, outcomes_since

MINUTES = (5, 60)


@never_cache
@require_safe
def status(request: HttpRequest) -> JsonResponse:
    """::

        {
          "accounts": {"mountain": {
            "processor": "littlepay",
            "availability": {"is_available": true | false, "why": "", "since": time or null, "until": …},
            "circuit": {"phase": "closed" | "open" | "half_open" | "unknown", "since": time or null, "until": …},
            "outcomes": {"last_5_minutes": {"success": 3, "system_error": 1}, "last_60_minutes": {…}}
          }},
          "notices": [{"account": "mountain", "why": "group_unknown", "text": …, "since": …, "is_failure": true}],
          "faults": {"oldest": time or null, "newest": …},
          "database": "ok" | "unreachable"
        }

    Times are ISO 8601 with the site's offset. Without the database, ``outcomes`` and ``faults`` are ``null``.
    """
    scrub_request(request)
    if not _may_read(request):
        raise Http404
    counted, faults = _counted()
    accounts = {
        circuit.account: {
            "processor": circuit.processor,
            "availability": _availability(circuit.account),
            "circuit": {"phase": circuit.phase.value, "since": _text(circuit.since), "until": _text(circuit.until)},
            "outcomes": None
            if counted is None
            else {period: by_account.get(circuit.account, {}) for period, by_account in counted.items()},
        }
        for circuit in circuits()
    }
    return JsonResponse(
        {
            "accounts": accounts,
            "notices": [_notice(notice) for notice in notices()],
            "faults": faults,
            "database": "unreachable" if counted is None else "ok",
        }
    )


def _availability(account: str) -> dict[str, Any]:
    found = availability(account)
    return {
        "is_available": found.is_available,
        "why": found.why,
        "since": _text(found.since),
        "until": _text(found.until),
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "account": notice.account,
        "why": notice.why,
        "text": notice.text,
        "since": _text(notice.since),
        "is_failure": notice.is_failure,
    }


def _counted() -> tuple[dict[str, dict[str, dict[str, int]]] | None, dict[str, str | None] | None]:
    moment = now()
    try:
        outcomes = {
            f"last_{minutes}_minutes": outcomes_since(moment - timedelta(minutes=minutes)) for minutes in MINUTES
        }
        oldest, newest = first_and_last_fault()
    except DatabaseFailed:
        return None, None
    return outcomes, {"oldest": _text(oldest), "newest": _text(newest)}


def _may_read(request: HttpRequest) -> bool:
    if _brings_the_token(request):
        return True
    user = getattr(request, "user", None)
    return user is not None and user.has_perm(VIEW_PERMISSION)


def _brings_the_token(request: HttpRequest) -> bool:
    token = conf.get_settings().STATUS_TOKEN
    # A Secret compares in constant time, and hides its value from tracebacks.
    brought = Secret(request.headers.get("Authorization", ""))
    return token is not None and brought == Secret(f"Bearer {token.reveal()}")


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else localtime(moment).isoformat(timespec="seconds")
