"""In-person enrollment: staff at a counter enroll the rider in front of them, at separate addresses.

It uses the views of self-service, behind a permission and with different wording. ``is_in_person`` tells the two apart,
so a site may include the addresses under any namespace.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, QueryDict

from . import conf
from .adapter import Enrollment
from .visit import is_between_riders

APP_NAME = "enrollment_errors_in_person"


def is_in_person(request: HttpRequest) -> bool:
    """Whether the request is for an address in ``enrollment_errors.in_person_urls``. Adapters may call it too."""
    match = request.resolver_match
    return match is not None and APP_NAME in match.app_names


def enrollment_of(request: HttpRequest) -> Enrollment | None:
    """The session's enrollment, or ``None`` if it may not enroll. Raises anything that the site's adapter raises.

    After "Next rider", the session may still contain the last rider's proof, which no longer counts.
    """
    if is_in_person(request) and is_between_riders(request):
        return None
    return conf.get_adapter().get_enrollment(request)


def with_next(sign_in: str, next_url: str) -> str:
    """The address where staff sign in. It leads back to ``next_url``, as Django's own login view does."""
    parts = urlsplit(sign_in)
    query = QueryDict(parts.query, mutable=True)
    query["next"] = next_url
    return urlunsplit(parts._replace(query=query.urlencode(safe="/")))


def way_back(request: HttpRequest, enroll_url: str) -> str:
    """Where to go after signing in: the requested result page, if any, otherwise the enroll page. It drops the rest of
    the query, which may contain data from a processor's site."""
    reference = request.GET.get("reference")
    if request.method != "GET" or not reference:
        return enroll_url
    return f"{request.path}?{urlencode({'reference': reference})}"
