"""Wraps every view for riders, so that any error is reported and ends on a page that explains it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.sessions.backends.base import CreateError
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.utils.decorators import decorator_from_middleware
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from . import conf, service
from .adapter import Enrollment
from .forms import is_readable, json_object, posted
from .in_person import enrollment_of, is_in_person
from .rate import seconds_until_allowed
from .reporting.django_log import answered
from .reporting.report import Event, Origin
from .reporting.sentry_scrubbing import scrub_request
from .reporting.site_errors import site_error
from .responses import Envelopes, Pages, end_url, url
from .rider_session import RiderSession
from .secret import Secret
from .staff import verified_by

View = Callable[..., HttpResponseBase]
Replies = type[Pages] | type[Envelopes]


def rider_view(event: Event, replies: Replies, *methods: str) -> Callable[[View], View]:
    """A view for a rider who may enroll: ``view(request, enrollment, session, …)``. For a region, ``enrollment`` has
    the targets that the next card is for.

    ``replies`` answers a wrong method, a missing CSRF token, a session that may not enroll, a page made for something
    else, and an exception in the site's hook or in this app. An exception is also reported as ``event``.
    """

    def decorate(view: View) -> View:
        def of_a_rider_who_may_enroll(request: HttpRequest, session: RiderSession, **kwargs: Any) -> HttpResponseBase:
            enrollment = enrollment_of(request)
            if enrollment is None:
                return replies.refuse(request, "not_eligible")
            session.enrollment = enrollment
            standing = session.begin_region(enrollment)
            if request.method == "POST":
                made_for = _made_for(request)
                if made_for is None:
                    return replies.refuse(request, "bad_request", enrollment)
                if not session.is_made_for(made_for, standing):
                    if session.region and (end := session.end_of(brought_in(request), enrollment)):
                        return redirect(end_url(request, *end))  # a second click, after the region has moved on
                    return replies.refuse(request, "changed", enrollment)
                if wait := seconds_until_allowed(event.name, session.identity().user_id):
                    return replies.refuse(request, "too_many", enrollment, retry_after=wait)
            return view(request, standing, session, **kwargs)

        return reported(event, replies, *methods)(functools.wraps(view)(of_a_rider_who_may_enroll))

    return decorate


def reported(event: Event, replies: Replies, *methods: str) -> Callable[[View], View]:
    """A view ``view(request, session, …)``. Its exceptions are reported as ``event``, and ``replies`` answers them."""

    def decorate(view: View) -> View:
        def never_raising(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            session = session_of(request)
            try:
                response = view(request, session, **kwargs)
            except Exception as error:  # noqa: BLE001  a rider never sees a bare error page
                origin = origin_of(request, session.enrollment, session)
                session.region = session.region or session.kept_region()
                result = service.site_failed(
                    error, event, session.enrollment, origin, reference=session.region_reference()
                )
                result = session.end_before_card(result)
                session.keep_told(result)
                response = replies.end(request, result)
            session.write_to(response)
            return response

        return protected(functools.wraps(view)(never_raising), replies, *methods, event=event)

    return decorate


def protected(view: View, replies: Replies, *methods: str, event: Event = Event.RETURNED_ENROLLMENT) -> View:
    """Checks permission, method and CSRF, prevents caching, and limits what Sentry may see, the same for every view.

    No view runs in the site's transaction for the request: a call to the processor cannot be rolled back, and if the
    commit failed after it, the rider would see a bare error page.
    """

    class Csrf(CsrfViewMiddleware):
        def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
            return replies.refuse(request, "csrf_failed")

    checked = decorator_from_middleware(Csrf)(view)

    @functools.wraps(view)
    def inner(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        scrub_request(request)
        _keep_the_page_whatever_becomes_of_the_session(request)
        if is_in_person(request) and (refusal := _refusal(request, event, replies)):
            return answered(request, refusal)
        if request.method not in methods:
            response = replies.refuse(request, "method_not_allowed")
            response["Allow"] = ", ".join(methods)
            return response
        if not is_readable(request):
            return replies.refuse(request, "bad_request")
        return answered(request, checked(request, **kwargs))

    # Exempt from the site's check only because `inner` runs the same check, with a page that riders understand.
    view = never_cache(csrf_exempt(sensitive_post_parameters()(inner)))
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def _refusal(request: HttpRequest, event: Event, replies: Replies) -> HttpResponse | None:
    """The answer to a user who may not enroll riders in person, or if the site cannot tell; ``None`` for staff."""
    try:
        adapter = conf.get_adapter()
        return None if adapter.may_enroll_in_person(request) else replies.turn_away(request, adapter)
    except Exception as error:  # noqa: BLE001  if the permission cannot be checked, nobody gets in
        origin = _origin_of_anybody(request, None, session_of(request))
        return replies.broken(request, service.site_failed(error, event, None, origin))


def session_of(request: HttpRequest) -> RiderSession:
    assert request.resolver_match is not None
    return RiderSession(request, request.resolver_match.namespace, url(request, "enroll"))


def origin_of(request: HttpRequest, enrollment: Enrollment | None, session: RiderSession) -> Origin:
    return replace(_origin_of_anybody(request, enrollment, session), verified_by=verified_by(request))


def _origin_of_anybody(request: HttpRequest, enrollment: Enrollment | None, session: RiderSession) -> Origin:
    return Origin(
        path=request.path,
        language=get_language() or "",
        identity=(enrollment and enrollment.identity) or session.identity(),
        referrer=request.headers.get("Referer", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )


def enrollment_if_any(request: HttpRequest) -> Enrollment | None:
    try:
        return enrollment_of(request)
    except Exception as error:  # noqa: BLE001  the page renders without an enrollment
        site_error(error, "Adapter.get_enrollment")
        return None


def brought_in(request: HttpRequest) -> Secret:
    """The card token that the page posts, or the proof that a rider is back from a redirect."""
    return Secret(posted(request, "card_token") or posted(request, "returned"))


def _made_for(request: HttpRequest) -> str | None:
    """What the page says it was made for, or ``None`` if the request cannot be read."""
    if request.content_type == "application/json":
        sent = json_object(request)
        return None if sent is None else str(sent.get("made_for", ""))
    return posted(request, "made_for")


def _keep_the_page_whatever_becomes_of_the_session(request: HttpRequest) -> None:
    """Django's middleware saves the session after the view. If that fails (the row is gone, the database is locked),
    the rider would get the middleware's answer instead of the page that says what happened to the card."""
    session = getattr(request, "session", None)
    if session is None:
        return
    save = session.save

    def save_or_report(*args: Any, **kwargs: Any) -> None:
        try:
            save(*args, **kwargs)
        except CreateError:
            raise  # Django catches it and tries another key
        except Exception as error:  # noqa: BLE001  the site's session store may raise anything
            site_error(error, "saving the session")

    session.save = save_or_report
