"""The way from an agency's page to the enrollment, for riders and for staff."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import SuspiciousOperation
from django.core.signing import BadSignature, TimestampSigner
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, get_random_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from enrollment_errors.adapter import IN_PERSON_PERMISSION
from enrollment_errors.availability import availability
from enrollment_errors.in_admin import admin_frame
from enrollment_errors.visit import end_visit, forget_rider

from .forms import AgencyCardForm, InPersonForm
from .models import Agency


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "example/home.html", {"agencies": Agency.objects.all()})


def agency(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Agency, slug=slug)
    context = {
        "agency": found.as_shown(request.path),
        "flows": found.get_flows(),
        "enrolling": availability(found.account.name, agency=slug),
    }
    return render(request, "example/agency.html", context)


def eligibility(request: HttpRequest, slug: str, flow: str) -> HttpResponse:
    """Where a rider proves that they qualify: with the identity provider, or with the number of an agency card."""
    found = get_object_or_404(Agency, slug=slug)
    wanted = found.get_flows().get(flow)
    if wanted is None:
        raise Http404
    claims = request.session.get("claims")
    form = None if wanted.claim else AgencyCardForm(request.POST or None)
    qualifies = form.is_valid() if form else wanted.claim in (claims or ())
    if request.method == "POST" and qualifies:
        forget_rider(request)
        request.session["eligible"] = _eligible_now(slug, flow)
        return redirect("enrollment_errors:enroll")
    group_id = found.groups.get(flow=flow).group_id
    context = {
        "enrolling": availability(found.account.name, agency=slug, group_id=group_id),
        "agency": found.as_shown(reverse("agency", args=[slug])),
        "flow": wanted,
        "form": form,
        "qualifies": qualifies,
        "signed_in": claims is not None,
        "provider": settings.IDENTITY_PROVIDER["NAME"],
        "next": urlencode({"next": request.path}),
    }
    return render(request, "example/eligibility.html", context)


def _eligible_now(slug: str, flow: str) -> dict[str, str]:
    return {"agency": slug, "flow": flow, "since": timezone.now().isoformat()}


def _get_checked_next(request: HttpRequest) -> str:
    url = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if ours else reverse("home")


def sign_in(request: HttpRequest) -> HttpResponse:
    """Sends the rider to the identity provider, which sends them on to ``signed_in``."""
    state = get_random_string(32)
    request.session["sign_in"] = {"state": state, "next": _get_checked_next(request)}
    query = {"state": state, "return_to": request.build_absolute_uri(reverse("signed-in"))}
    return redirect(f"{settings.IDENTITY_PROVIDER['SIGN_IN_URL']}?{urlencode(query)}")


def signed_in(request: HttpRequest) -> HttpResponse:
    """Reads the identity provider's signed claims. They say that the rider qualifies, never who the rider is."""
    asked = request.session.pop("sign_in", None)
    if asked is None or not constant_time_compare(request.GET.get("state", ""), asked["state"]):
        raise SuspiciousOperation("A sign-in that this session did not ask for.")
    signer = TimestampSigner(key=settings.IDENTITY_PROVIDER["KEY"], salt=asked["state"])
    try:
        request.session["claims"] = signer.unsign_object(request.GET.get("claims", ""), max_age=60)
    except BadSignature as error:
        raise SuspiciousOperation("The identity provider did not sign these claims.") from error
    request.session.cycle_key()
    return redirect(asked["next"])


def sign_out(request: HttpRequest) -> HttpResponse:
    """Signs the rider out of this site, then out of the identity provider, which sends them back to ``next``."""
    request.session.flush()
    query = {"return_to": request.build_absolute_uri(_get_checked_next(request))}
    return redirect(f"{settings.IDENTITY_PROVIDER['SIGN_OUT_URL']}?{urlencode(query)}")


@permission_required(IN_PERSON_PERMISSION)
def staff(request: HttpRequest) -> HttpResponse:
    """Staff at the counter confirm that they have seen the rider's proof."""
    return _staff(request, "enrollment_errors_in_person:enroll", "example/staff.html", {})


@permission_required(IN_PERSON_PERMISSION)
def staff_in_admin(request: HttpRequest) -> HttpResponse:
    """The same inside the admin."""
    frame = {**admin_frame(request), "title": gettext("Enroll a rider in person")}
    return _staff(request, "in_admin:enroll", "example/staff_in_admin.html", frame)


def _staff(request: HttpRequest, then: str, template: str, frame: dict[str, Any]) -> HttpResponse:
    form = InPersonForm(request.POST or None)
    if form.is_valid():
        slug, flow = form.cleaned_data["benefit"].split("/")
        forget_rider(request, in_person=True)  # the session goes on with the next rider
        request.session["eligible_in_person"] = _eligible_now(slug, flow)
        return redirect(then)
    if request.method == "GET":
        end_visit(request)  # staff who come here through the menu have left the last rider
    return render(request, template, {**frame, "form": form})
