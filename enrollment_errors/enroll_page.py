"""The page on which a rider enters a card: what it says beforehand, and what its script needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation

from . import card_limit, service
from .account_directory import get_account
from .adapter import Enrollment
from .availability import switch_of
from .card_schemes import scheme_name
from .forms import EnrollForm
from .opening import circuit_state
from .outcomes import Outcome
from .pages import PAGES
from .processors.types import CardForm
from .region import shown
from .responses import Pages, end_url, page, reference_in, url
from .result_pages import enrolled_before, switched_off
from .results import Result
from .rider_session import RiderSession
from .secret import Secret
from .transport.circuit import Phase


def enroll_page(request: HttpRequest, enrollment: Enrollment, session: RiderSession) -> HttpResponse:
    session.begin()
    if card_limit.are_used_up(enrollment, session.proof):
        return redirect(url(request, PAGES[Outcome.NO_MORE_CARDS].name))
    returned = request.GET.get("returned", "")
    is_back = session.returned_with(returned, enrollment) is not None
    if returned and not is_back:
        return _other_return(request, enrollment, session, returned)
    account = get_account(enrollment.account)
    form = service.card_form_of(account, enrollment, translation.get_language() or "en")
    unfinished = session.end(reference_in(request, PAGES[Outcome.UNFINISHED].name) or "").get("code", "")
    made_for = session.made_for(enrollment)
    data: dict[str, Any] = {
        "tokenUrl": url(request, "token"),
        "reportUrl": url(request, "card_form"),
        "madeFor": made_for,
        "returned": is_back,
        "unfinished": unfinished,
        "cardForm": _described(form),
    }
    circuit = circuit_state(account)
    switch = None if enrollment.also else switch_of(enrollment)  # in a region, a target's switch stops no other
    is_off = switched_off(switch)
    region = session.region
    assert session.enrollment is not None
    if circuit.phase is Phase.OPEN and region and (region.has_begun or len(region.rounds()) > 1):
        down = session.end_before_card(Result(Outcome.SYSTEM_ERROR, "circuit_open", region.reference))
        session.keep_end(down, region.whole)
        return Pages.end(request, down)  # the other targets need not wait
    return page(
        request,
        "enroll_again" if region and region.has_begun else "enroll",
        enrollment,
        form=EnrollForm(initial={"made_for": made_for, "returned": returned}),
        page_data=data,
        card_form=form,
        # Shown before the rider enters a card for nothing. Half-open is no reason: this rider's call may be the one
        # that shows the processor is back.
        circuit_open=is_off is not None or (switch is None and circuit.phase is Phase.OPEN),
        switched_off=is_off,
        agencies=[one.agency.name for one in enrollment.each()] if enrollment.also else [],
        targets=shown(region.parts) if region and region.has_begun else [],
        left=len(region.open_parts) if region else 0,
        accepted_cards=[scheme_name(one) or one for one in form.card_schemes or enrollment.agency.card_schemes],
        enrolled_before=enrolled_before(request, session, session.enrollment),
    )


def _other_return(request: HttpRequest, enrollment: Enrollment, session: RiderSession, returned: str) -> HttpResponse:
    """A return from another visit to the processor's site, which has already ended or was replaced by a new one."""
    assert session.enrollment is not None
    end = session.end_of(Secret(returned), session.enrollment)
    if end and end[0] in (Outcome.SUCCESS, Outcome.PARTIAL):
        return redirect(end_url(request, *end))
    return Pages.refuse(request, "changed", enrollment)


def _described(form: CardForm) -> dict[str, Any]:
    """The card form, as data for the page's script."""
    return {
        "kind": form.kind.value,
        "script": form.script,
        "scriptAttributes": dict(form.script_attributes),
        "data": dict(form.data),
        "needsAccess": form.needs_access,
        "opensAtOnce": form.opens_at_once,
    }
