"""In person: staff at a counter enroll the rider who stands before them, at addresses of their own.

The views are those of self-service, behind a permission and with other words. ``is_in_person`` tells them apart; a site
may include the addresses under whatever namespace it likes.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, QueryDict

from . import conf
from .adapter import Enrollment
from .visit import is_between_riders

APP_NAME = "enrollment_errors_in_person"


def is_in_person(request: HttpRequest) -> bool:
    """Whether the request came to an address of ``enrollment_errors.in_person_urls``. For a site's adapter too."""
    match = request.resolver_match
    return match is not None and APP_NAME in match.app_names


def enrollment_of(request: HttpRequest) -> Enrollment | None:
    """``None`` where this session may not enroll. Raises whatever the site's adapter raises.

    After "Next rider", what the site still has in the session is the last rider's proof, and nobody's any more.
    """
    if is_in_person(request) and is_between_riders(request):
        return None
    return conf.get_adapter().get_enrollment(request)


def with_next(sign_in: str, next_url: str) -> str:
    """The address where staff sign in, which leads back to ``next_url``, as Django's own log-in view does."""
    parts = urlsplit(sign_in)
    query = QueryDict(parts.query, mutable=True)
    query["next"] = next_url
    return urlunsplit(parts._replace(query=query.urlencode(safe="/")))


def way_back(request: HttpRequest, enroll_url: str) -> str:
    """Where to go after signing in: the result page that was asked for, if it was one, else the enroll page. Nothing
    else of the address goes along: the query may bring what a processor's site has sent."""
    reference = request.GET.get("reference")
    if request.method != "GET" or not reference:
        return enroll_url
    return f"{request.path}?{urlencode({'reference': reference})}"
