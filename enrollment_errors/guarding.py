"""What stands around every view of a rider: whatever goes wrong there ends on a page that says so, and is reported."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from . import conf, service
from .host import Enrollment
from .reporting.django_log import answered
from .reporting.report import Event, Visit
from .reporting.sentry_guard import guard_request
from .responses import Envelopes, Pages
from .rider_session import RiderSession

View = Callable[..., HttpResponseBase]
Replies = type[Pages] | type[Envelopes]


def rider_view(event: Event, replies: Replies, *methods: str) -> Callable[[View], View]:
    """A view of a rider who may enroll: ``view(request, enrollment, session, …)``.

    A wrong method, a missing CSRF token, a session that may not enroll and an exception, in the site's hook or in ours,
    each end in ``replies``; an exception is reported, as ``event``.
    """

    def decorate(view: View) -> View:
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            enrollment = None
            session = RiderSession(request)
            try:
                enrollment = conf.get_host().get_enrollment(request)
                if enrollment is None:
                    return replies.refuse(request, "not_eligible")
                return view(request, enrollment, session, **kwargs)
            except Exception as error:  # noqa: BLE001  a rider never meets a bare error page
                visit = visit_of(request, enrollment, session)
                return replies.end(request, service.site_failed(error, event, enrollment, visit))

        return protected(functools.wraps(view)(guarded), replies, *methods)

    return decorate


def protected(view: View, replies: Replies, *methods: str) -> View:
    """Method, CSRF, caching and what Sentry may see: the same for every view."""

    class Csrf(CsrfViewMiddleware):
        def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
            return replies.refuse(request, "csrf_failed")

    checked = decorator_from_middleware(Csrf)(view)

    @functools.wraps(view)
    def inner(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        guard_request(request)
        if request.method not in methods:
            response = replies.refuse(request, "method_not_allowed")
            response["Allow"] = ", ".join(methods)
            return response
        return answered(request, checked(request, **kwargs))

    # Exempt from the site's check only because the same check follows, with a page that a rider understands.
    return never_cache(csrf_exempt(sensitive_post_parameters()(inner)))


def visit_of(request: HttpRequest, enrollment: Enrollment | None, session: RiderSession) -> Visit:
    return Visit(
        path=request.path,
        language=get_language() or "",
        identity=(enrollment and enrollment.identity) or session.identity(),
        referrer=request.headers.get("Referer", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )
