"""The rider's requests: the page with the card form, what its script asks and tells, and a page for each end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils.translation import get_language
from django.views import defaults

from . import conf, service
from .exceptions import ConfigurationError
from .forms import EnrollForm
from .guarding import protected, rider_view, visit_of
from .host import Enrollment
from .json_bodies import json_object
from .outcomes import Outcome, Result
from .processors.base import Redirect
from .processors.opening import circuit_state
from .redaction import Secret
from .reporting.report import Event
from .reporting.site_errors import site_error
from .responses import PAGES, STATUSES, Envelopes, Pages, end_url, is_allowed_redirect, page, signed_reference, url
from .rider_session import EXPIRY_MARGIN, RiderSession
from .service import CardFormEvent
from .transport.circuit import Phase


@rider_view(Event.RETURNED_ENROLLMENT, Pages, "GET", "HEAD", "POST")
def enroll(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    """The page with the card form; its POST brings the card token (or, back from a redirect flow, none)."""
    if request.method != "POST":
        return _enroll_page(request, enrollment, session)
    card_token = EnrollForm(request.POST).secret_card_token()
    if reference := session.success_of(card_token, enrollment):
        return redirect(end_url(request, Outcome.SUCCESS, reference))
    handle = None if card_token else _redirect_handle(session, enrollment)
    result = service.enroll(
        enrollment,
        visit_of(request, enrollment, session),
        card_token=card_token,
        handle=handle,
        pending=session.pending(enrollment),
    )
    if handle is not None:
        session.forget_tokenization()  # a visit to the processor's site is good for one card
    return _end(request, enrollment, session, result, card_token=card_token)


@rider_view(Event.FAILED_PRETOKENIZATION, Envelopes, "POST")
def token(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    """JSON for the page's script: ``{"token": …, "expires_in": seconds or null}``, or ``{"redirect": …}`` to the
    processor, or the error envelope."""
    tokenization = session.tokenization(enrollment.processor)
    if tokenization is None:
        return_url = request.build_absolute_uri(url(request, "enroll") + "?returned")
        result = service.request_tokenization(enrollment, visit_of(request, enrollment, session), return_url=return_url)
        tokenization = result.tokenization
        if tokenization is None:
            return Envelopes.end(request, result)
        session.keep_tokenization(enrollment.processor, tokenization)
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
    """What the page's script tells of the card form: ``{"event": …, "status": …}``. The answer says where to go."""
    told = json_object(request) or {}
    try:
        event, status = CardFormEvent(told.get("event")), told.get("status")
    except ValueError:
        return Envelopes.refuse(request, "bad_request")
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        status = None
    if event is CardFormEvent.FAILED:
        session.forget_tokenization()  # its access may be what the card form did not like
    result = service.card_form_event(enrollment, visit_of(request, enrollment, session), event, status=status)
    return JsonResponse({"redirect": result and end_url(request, result.outcome, result.reference)})


@rider_view(Event.RETURNED_ENROLLMENT, Pages, "POST")
def _check_again(request: HttpRequest, enrollment: Enrollment, session: RiderSession, signed: str) -> HttpResponse:
    reference = signed_reference(PAGES[Outcome.UNKNOWN], signed) or ""
    if pending := session.pending_of(reference, enrollment):
        result = service.check_again(enrollment, visit_of(request, enrollment, session), pending)
        return _end(request, enrollment, session, result, checked=reference)
    if end := session.end_of_check(reference):
        return redirect(end_url(request, *end))
    return redirect(url(request, "enroll"))  # starting again is safe: a card that is linked is not linked twice


def _end_page(outcome: Outcome) -> Callable[..., HttpResponse]:
    """The page of an outcome. It needs neither session, nor database, nor the site's hook to render."""
    name = PAGES[outcome]

    def view(request: HttpRequest, signed: str = "") -> HttpResponse:
        reference = signed_reference(name, signed)
        if signed and reference is None:
            return redirect(url(request, "enroll"))
        known = RiderSession(request).end(reference) if reference else {}
        return page(
            request,
            name,
            _enrollment_if_any(request),
            status=STATUSES.get(outcome, 200),
            reference=reference or "",
            already_linked=known.get("code") == "already_linked",
            expires_at=known.get("expires_at"),
            reenrollment_opens_at=known.get("reenrollment_opens_at"),
            enroll_url=url(request, "enroll"),
        )

    return view


success = protected(_end_page(Outcome.SUCCESS), Pages, "GET", "HEAD")
check_card = protected(_end_page(Outcome.RETRY), Pages, "GET", "HEAD")
too_early = protected(_end_page(Outcome.TOO_EARLY), Pages, "GET", "HEAD")
system_error = protected(_end_page(Outcome.SYSTEM_ERROR), Pages, "GET", "HEAD")
server_error = protected(_end_page(Outcome.SERVER_ERROR), Pages, "GET", "HEAD")
cannot_enroll = protected(_end_page(Outcome.NOT_ELIGIBLE), Pages, "GET", "HEAD")
_still_checking_page = _end_page(Outcome.UNKNOWN)


def _still_checking(request: HttpRequest, signed: str) -> HttpResponseBase:
    return _check_again(request, signed=signed) if request.method == "POST" else _still_checking_page(request, signed)


still_checking = protected(_still_checking, Pages, "GET", "HEAD", "POST")


def handler500(request: HttpRequest) -> HttpResponse:
    """For a site's ROOT_URLCONF: our page where a request for one of ours fails before it gets here, such as in a
    middleware; Django's own answer everywhere else, because our page speaks of an enrollment."""
    try:
        request.resolver_match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return defaults.server_error(request)
    if "enrollment_errors" not in request.resolver_match.app_names:
        return defaults.server_error(request)
    return page(request, PAGES[Outcome.SERVER_ERROR], None, status=STATUSES[Outcome.SERVER_ERROR])


def _end(
    request: HttpRequest,
    enrollment: Enrollment,
    session: RiderSession,
    result: Result,
    *,
    card_token: Secret | None = None,
    checked: str | None = None,
) -> HttpResponse:
    """Keep how it ended, tell the site of a success, and send the rider to the page."""
    session.keep_end(result, enrollment, card_token=card_token, checked=checked)
    if result.outcome is Outcome.SUCCESS:
        try:
            conf.get_host().on_success(request, enrollment, result)
        except Exception as error:  # noqa: BLE001  the card is linked, whatever the site's hook thinks of it
            site_error(error, "Host.on_success")
    return Pages.end(request, result)


def _enroll_page(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    account = conf.get_account(enrollment.processor)
    script = account.processor.card_form_script(account.options, get_language() or "en")
    data: dict[str, Any] = {
        "tokenUrl": url(request, "token"),
        "reportUrl": url(request, "card_form"),
        "returned": "returned" in request.GET and _redirect_handle(session, enrollment) is not None,
        "cardForm": script and {"url": script.url, "function": script.function, "options": dict(script.options)},
    }
    circuit = circuit_state(account.name)
    return page(
        request,
        "enroll",
        enrollment,
        form=EnrollForm(),
        page_data=data,
        # Said before the rider enters a card for nothing. Half-open is no reason: the rider may be the one who finds
        # that the processor is back.
        circuit_open=circuit.phase is Phase.OPEN,
    )


def _redirect_handle(session: RiderSession, enrollment: Enrollment) -> Secret | None:
    tokenization = session.tokenization(enrollment.processor)
    return tokenization.handle if isinstance(tokenization, Redirect) else None


def _enrollment_if_any(request: HttpRequest) -> Enrollment | None:
    try:
        return conf.get_host().get_enrollment(request)
    except Exception as error:  # noqa: BLE001  the page renders without
        site_error(error, "Host.get_enrollment")
        return None
