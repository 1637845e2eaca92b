"""Tells enrollment_errors who is enrolling in what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from enrollment_errors.adapter import Adapter, Enrollment, Method, SignIn, Target
from enrollment_errors.in_admin import admin_frame
from enrollment_errors.in_person import is_in_person

from .benefits import FLOWS
from .models import ConcessionGroup


class ExampleAdapter(Adapter):
    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        in_person = is_in_person(request)
        # Two keys, so that a staff member's browser never enrolls one rider with another rider's proof.
        eligible = request.session.get("eligible_in_person" if in_person else "eligible")
        if eligible is None:
            return None
        slug, flow = eligible["agency"], eligible["flow"]
        group = _get_groups().filter(agency__slug=slug, flow=flow).first()
        if group is None:  # an operator has removed it in the admin
            return None
        agency_page = reverse("agency", args=[slug])
        return _get_enrollment_into(
            group,
            agency_page,
            expiry=FLOWS[flow].expiry,
            sign_in=None if in_person else _get_sign_in(request, agency_page),
            method=Method.IN_PERSON if in_person else Method.SELF_SERVICE,
            also=_get_others(group) if FLOWS[flow].is_regional else (),
            finish_until=_get_end_of_proof(eligible),
        )

    def get_staff_start_url(self, request: HttpRequest) -> str:
        return reverse("staff-in-admin" if _is_in_admin(request) else "staff")

    def get_page_context(self, request: HttpRequest, page: str) -> Mapping[str, Any]:
        return admin_frame(request) if _is_in_admin(request) else {}

    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        for group in _get_groups():
            yield _get_enrollment_into(group, reverse("agency", args=[group.agency.slug]))


def _is_in_admin(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.namespace == "in_admin"


def _get_groups() -> Any:
    return ConcessionGroup.objects.select_related("agency__account").filter(flow__in=FLOWS)


def _get_enrollment_into(group: ConcessionGroup, home_url: str, **more: Any) -> Enrollment:
    return Enrollment(
        agency=group.agency.as_shown(home_url),
        account=group.agency.account.name,
        group_id=group.group_id,
        flow=group.flow,
        benefit=FLOWS[group.flow].title,
        verifier=FLOWS[group.flow].verifier,
        **more,
    )


def _get_end_of_proof(eligible: Mapping[str, str]) -> datetime | None:
    is_good_for = FLOWS[eligible["flow"]].is_good_for
    return datetime.fromisoformat(eligible["since"]) + is_good_for if is_good_for else None


def _get_others(group: ConcessionGroup) -> list[Target]:
    """The groups of the region's other agencies."""
    others = _get_groups().filter(flow=group.flow).exclude(pk=group.pk)
    return [
        Target(
            agency=other.agency.as_shown(reverse("agency", args=[other.agency.slug])),
            account=other.agency.account.name,
            group_id=other.group_id,
            expiry=FLOWS[other.flow].expiry,
        )
        for other in others
    ]


def _get_sign_in(request: HttpRequest, agency_page: str) -> SignIn | None:
    if "claims" not in request.session:
        return None
    sign_out_url = f"{reverse('sign-out')}?{urlencode({'next': agency_page})}"
    return SignIn(provider=settings.IDENTITY_PROVIDER["NAME"], sign_out_url=sign_out_url)
