"""The views for riders: the page with the card form, the endpoints for its script, and a page for each outcome."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.module_loading import import_string
from django.views import defaults

from . import card_limit, hooks, service
from .adapter import Enrollment
from .decorators import brought_in, origin_of, protected, reported, rider_view
from .enroll_page import enroll_page
from .exceptions import ConfigurationError
from .forms import json_object, posted
from .in_person import APP_NAME
from .outcomes import Outcome
from .pages import PAGES
from .processors.types import Access, Redirect
from .rate import seconds_until_allowed
from .region import Part
from .reporting.report import Event
from .responses import Envelopes, Pages, end_url, is_allowed_redirect, page, reference_in, url
from .result_pages import result_page, too_soon
from .results import Result
from .rider_session import EXPIRY_MARGIN, RiderSession
from .secret import Secret
from .service import CardFormEvent, End, Wanted


@rider_view(Event.RETURNED_ENROLLMENT, Pages, "GET", "HEAD", "POST")
def enroll(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    """The page with the card form. Its POST contains the card token, or none if the rider is back from a redirect."""
    if request.method != "POST":
        return enroll_page(request, enrollment, session)
    assert session.enrollment is not None
    brought, returned = brought_in(request), posted(request, "returned")
    handle = session.returned_with(returned, enrollment)
    end = session.end_of(brought, session.enrollment)
    if end and (end[0] is Outcome.SUCCESS or (returned and handle is None)):
        return redirect(end_url(request, *end))
    if returned and handle is None:
        return Pages.refuse(request, "changed", enrollment)  # a return from another visit to the processor's site
    ends = service.enroll(
        enrollment,
        origin_of(request, enrollment, session),
        card_token=Secret(posted(request, "card_token")),
        handle=handle,
        query={name: Secret(str(value)) for name, value in request.GET.items() if name != "returned"},
        lost=session.lost_links(),
        reference=session.region_reference(),
        proof=session.proof,
    )
    if session.region is None:
        [(_, result, _)] = ends
    else:
        result = _region_end(request, session, ends)
    if handle is not None and result.code != "tokenization_running":
        session.forget_tokenization()  # a visit to the processor's site is good for one card
    if result.outcome is Outcome.NO_MORE_CARDS:
        return Pages.see_other(url(request, PAGES[result.outcome].name))
    return _end(request, session.enrollment, session, result, brought=brought)


@rider_view(Event.FAILED_PRETOKENIZATION, Envelopes, "POST")
def token(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    """JSON for the page's script: ``{"token": …, "expires_in": seconds or null}``, or ``{"redirect": …}`` to the
    processor, or the error envelope."""
    if card_limit.are_used_up(enrollment, session.proof):
        return Envelopes.refuse(request, "no_more_cards", enrollment)
    tokenization = kept = session.tokenization(enrollment)
    if not isinstance(tokenization, Access):
        returned = secrets.token_hex(16)
        return_url = request.build_absolute_uri(f"{session.path}?returned={returned}")
        result = service.request_tokenization(
            enrollment,
            origin_of(request, enrollment, session),
            return_url=return_url,
            state=returned,
            kept=tokenization,
            lost=session.lost_links(),
            reference=session.region_reference(),
        )
        tokenization = result.tokenization
        if tokenization is None:
            return Envelopes.end(request, _kept_before_card(session, enrollment, result))
        if tokenization is not kept:
            session.keep_tokenization(enrollment, tokenization, returned=returned)
    if isinstance(tokenization, Redirect):
        if not is_allowed_redirect(request, tokenization.url):
            raise ConfigurationError(
                'The processor redirects to a host that ENROLLMENT_ERRORS["ALLOWED_REDIRECT_HOSTS"] does not name.'
            )
        return JsonResponse({"redirect": tokenization.url})
    left = tokenization.expires_at - EXPIRY_MARGIN - time.time()
    return JsonResponse({"token": tokenization.access_token.reveal(), "expires_in": int(left) if left > 0 else None})


@rider_view(Event.FINISHED_TOKENIZATION, Envelopes, "POST")
def card_form(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    """Takes the script's reports about the card form: ``{"event": …, "status": …, "reason": …}``. The answer says where
    to go."""
    told = json_object(request) or {}
    try:
        event, status = CardFormEvent(told.get("event")), told.get("status")
    except ValueError:
        return Envelopes.refuse(request, "bad_request", enrollment)
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        status = None
    if event is CardFormEvent.FAILED:
        session.forget_tokenization()  # its access may have caused the failure
    result = service.card_form_event(
        enrollment,
        origin_of(request, enrollment, session),
        event,
        status=status,
        reason=told.get("reason"),
        lost=session.lost_links(),
        reference=session.region_reference(),
    )
    if result is not None:
        result = _kept_before_card(session, enrollment, result)
    return JsonResponse({"redirect": result and end_url(request, result.outcome, result.reference)})


def _kept_before_card(session: RiderSession, enrollment: Enrollment, result: Result) -> Result:
    """Keep a failure before the card is known. Returns the result for the rider."""
    if session.region is None:
        session.keep_lost(result, enrollment)
    result = session.end_before_card(result)
    session.keep_told(result)
    return result


def _region_end(request: HttpRequest, session: RiderSession, ends: Iterable[End]) -> Result:
    """Records each target's end at once in the region, and calls the site's hook if it is linked, because this process
    may die before the next."""
    assert session.region is not None
    failure = None
    for enrollment, result, funding_source in ends:
        if funding_source is None:
            failure = result
            continue
        session.region = session.region.with_end(enrollment, result, funding_source)
        if result.outcome is Outcome.SUCCESS and result.is_new:
            hooks.on_success(request, enrollment, result)
    if failure is not None:
        return session.end_before_card(failure)
    session.keep_region()
    return session.region.end()


@reported(Event.RETURNED_ENROLLMENT, Pages, "POST")
def _check_again(request: HttpRequest, session: RiderSession, outcome: Outcome) -> HttpResponse:
    """Settle the lost link of the page that posted, and in a region also repeat what failed. It needs no session of the
    site, because the page's reference names the benefit, and only that is settled."""
    reference = reference_in(request, PAGES[outcome].name) or ""
    if found := session.region_under(reference):
        if wait := seconds_until_allowed("CHECK_AGAIN", reference):
            return too_soon(request, outcome, wait)
        session.go_on_with(*found)
        return _end(request, found[0].whole, session, _try_again(request, session, *found[0].parts))
    if kept := session.lost_link(reference):
        if wait := seconds_until_allowed("CHECK_AGAIN", reference):
            return too_soon(request, outcome, wait)
        enrollment, lost = kept
        session.enrollment = enrollment
        result = service.check_again(enrollment, origin_of(request, enrollment, session), lost, reference=reference)
        if result.outcome is Outcome.UNKNOWN and result.reference == reference:
            return redirect(end_url(request, Outcome.UNKNOWN, reference))
        return _end(request, enrollment, session, result, checked=reference)
    if end := session.end_of_check(reference):
        return redirect(end_url(request, *end))
    return redirect(url(request, "enroll"))  # starting again is safe: no card is linked twice


def _try_again(request: HttpRequest, session: RiderSession, *parts: Part) -> Result:
    wanted = [
        Wanted(part.enrollment, part.funding_source, part.lost)
        for part in parts
        if part.is_repeatable and part.funding_source is not None
    ]
    session.enrollment = parts[0].enrollment
    origin = origin_of(request, session.enrollment, session)
    return _region_end(request, session, service.try_again(wanted, origin, reference=session.region_reference()))


def _with_another_try(outcome: Outcome) -> Callable[..., HttpResponseBase]:
    page_of_it = result_page(outcome)

    def view(request: HttpRequest) -> HttpResponseBase:
        return _check_again(request, outcome=outcome) if request.method == "POST" else page_of_it(request)

    return view


END_PAGES = {
    outcome: protected(result_page(outcome), Pages, "GET", "HEAD")
    for outcome in PAGES
    if outcome is not Outcome.UNFINISHED  # ends on the enroll page
}
for _outcome in (Outcome.UNKNOWN, Outcome.PARTIAL):
    END_PAGES[_outcome] = protected(_with_another_try(_outcome), Pages, "GET", "HEAD", "POST")


def handler500(request: HttpRequest) -> HttpResponse:
    """For a site's ROOT_URLCONF. Shows our page if a request for one of our addresses fails before it gets here, such
    as in a middleware. Everywhere else it gives Django's own answer, because our page is about an enrollment."""
    try:
        request.resolver_match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return defaults.server_error(request)
    if not {"enrollment_errors", APP_NAME} & set(request.resolver_match.app_names):
        return defaults.server_error(request)
    end = PAGES[Outcome.SERVER_ERROR]
    with translation.override(_language_of(request)):
        return page(request, end.name, None, status=end.status)


def _language_of(request: HttpRequest) -> str:
    """The rider's language. The middleware that sets it may not have run yet, and until then the thread still has the
    language of the previous request."""
    if any(
        isinstance(middleware := import_string(path), type) and issubclass(middleware, LocaleMiddleware)
        for path in settings.MIDDLEWARE
    ):
        return translation.get_language_from_request(request)
    return str(settings.LANGUAGE_CODE)


def _end(
    request: HttpRequest,
    enrollment: Enrollment,
    session: RiderSession,
    result: Result,
    *,
    brought: Secret | None = None,
    checked: str | None = None,
) -> HttpResponse:
    """Keep the result, tell the site about a success, and send the rider to the page. For a region, the site already
    knows. If a region has no failure so far and needs another card, the rider goes straight to the card form."""
    session.keep_end(result, enrollment, brought=brought, checked=checked)
    region = session.region
    if region is None and result.outcome is Outcome.SUCCESS and result.is_new:
        hooks.on_success(request, enrollment, result)
    if region and region.needs_card and (result.outcome, result.code) == (Outcome.PARTIAL, "linked"):
        return Pages.see_other(url(request, "enroll"))
    return Pages.end(request, result)
