"""The result pages. They render even without the session, the database or the site's hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from .adapter import Enrollment
from .availability import Availability, switch_of
from .card_schemes import scheme_name
from .decorators import enrollment_if_any, session_of
from .in_person import is_in_person
from .outcomes import Outcome
from .pages import PAGES
from .region import shown
from .responses import end_url, page, reference_in, url
from .results import how_enrolled, never_expires
from .rider_session import RiderSession


def result_page(outcome: Outcome) -> Callable[..., HttpResponse]:
    """The view of an outcome's page."""
    end = PAGES[outcome]

    def view(request: HttpRequest) -> HttpResponse:
        reference = reference_in(request, end.name)
        if reference is None and not end.was_refused:
            return redirect(url(request, "enroll"))
        session = session_of(request)
        known = session.end(reference) if reference else {}
        region = _region_on(session, reference)
        if outcome is Outcome.PARTIAL and not region["targets"]:
            return redirect(url(request, "enroll"))  # from another visit, or no longer kept
        told: dict[str, Any] = {}
        if reference and is_in_person(request):
            if (kept := session.told(reference)) is None:
                return redirect(url(request, "enroll"))  # an earlier rider's result, no longer kept
            told = {"code": kept[0], "is_of_earlier_rider": kept[1]}
        enrollment = enrollment_if_any(request)
        if outcome is Outcome.SYSTEM_ERROR:
            told["switched_off"] = switched_off(switch_of(enrollment) if enrollment else None)
            told["can_start_again"] = enrollment is not None and told["switched_off"] is None
        if outcome is Outcome.NO_MORE_CARDS:
            told["enrolled_before"] = enrolled_before(request, session, enrollment) if enrollment else {}
        return page(
            request,
            end.name,
            enrollment,
            status=end.status,
            reference=reference or "",
            already_linked=known.get("code", "").startswith("already_linked"),
            reenrollment_opens_at=known.get("reenrollment_opens_at"),
            enroll_url=url(request, "enroll"),
            **_facts(session, known, enrollment),
            **region,
            **told,
        )

    return view


def enrolled_before(request: HttpRequest, session: RiderSession, enrollment: Enrollment) -> dict[str, Any]:
    """The card that this rider has just enrolled, and the address of its page. Empty if there is none."""
    kept = session.enrolled_before(enrollment)
    return kept and {
        "card_scheme": scheme_name(kept["card_scheme"]),
        "card_last_digits": kept["card_last_digits"],
        "address": end_url(request, Outcome.SUCCESS, kept["reference"]),
    }


def _facts(session: RiderSession, known: Mapping[str, Any], enrollment: Enrollment | None) -> dict[str, Any]:
    """What a rider may want to keep, all of it from the enrollment that ended under this reference. The session may be
    good for another one by now; if not, the benefit's name follows the language of the page."""
    code, enrolled_at, expires_at = known.get("code", ""), known.get("enrolled_at"), known.get("expires_at")
    is_the_same = enrollment is not None and session.is_made_for(known.get("made_for", ""), enrollment)
    return {
        "card_scheme": scheme_name(known.get("card_scheme")),
        "card_last_digits": known.get("card_last_digits"),
        "benefit": enrollment.benefit if enrollment is not None and is_the_same else known.get("benefit", ""),
        "enrolled_with": known.get("agency", ""),
        "enrolled": how_enrolled(code),
        "enrolled_at": enrolled_at,
        "expires_at": expires_at,
        "never_expires": never_expires(code, enrolled_at, expires_at),
    }


def _region_on(session: RiderSession, reference: str | None) -> dict[str, Any]:
    """What a page says about a region's targets; with a single target, nothing."""
    found = session.region_under(reference) if reference else None
    if found is None:
        return {"targets": []}
    region = found[0]
    return {
        "targets": shown(region.parts),
        "mix": region.mix,
        "needs_card": region.needs_card,
        "can_try_again": any(part.is_repeatable and part.is_open for part in region.parts),
        "can_check_again": any(part.is_repeatable and part.is_unknown for part in region.parts),
    }


def too_soon(request: HttpRequest, outcome: Outcome, seconds: int) -> HttpResponse:
    """The same page again, because the card may be enrolled: the page for too many tries says that no card was used."""
    response = result_page(outcome)(request)
    response.status_code = 429
    response["Retry-After"] = str(seconds)
    return response


def switched_off(switch: Availability | None) -> Availability | None:
    return None if switch is None or switch.is_available else switch
