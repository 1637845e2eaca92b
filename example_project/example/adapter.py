"""What enrollment_errors asks this site: who is enrolling into what."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from enrollment_errors.adapter import Adapter, Enrollment, Method, SignIn
from enrollment_errors.in_person import is_in_person

from .benefits import FLOWS, agency_of


class ExampleAdapter(Adapter):
    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        in_person = is_in_person(request)
        # Kept apart, so that a staff member's browser never enrolls one rider under the other's proof.
        eligible = request.session.get("eligible_in_person" if in_person else "eligible")
        if eligible is None:
            return None
        slug, flow = eligible["agency"], FLOWS[eligible["flow"]]
        agency_page = reverse("agency", args=[slug])
        return Enrollment(
            agency=agency_of(slug, agency_page),
            account=slug,
            group_id=flow.groups[slug],
            flow=eligible["flow"],
            verifier=flow.verifier,
            expiry=flow.expiry,
            sign_in=None if in_person else _get_sign_in(request, agency_page),
            method=Method.IN_PERSON if in_person else Method.SELF_SERVICE,
        )

    def get_staff_start_url(self, request: HttpRequest) -> str:
        return reverse("staff")

    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        for name, flow in FLOWS.items():
            for slug, group in flow.groups.items():
                agency = agency_of(slug, reverse("agency", args=[slug]))
                yield Enrollment(agency=agency, account=slug, group_id=group, flow=name, verifier=flow.verifier)


def _get_sign_in(request: HttpRequest, agency_page: str) -> SignIn | None:
    if "claims" not in request.session:
        return None
    sign_out_url = f"{reverse('sign-out')}?{urlencode({'next': agency_page})}"
    return SignIn(provider=settings.IDENTITY_PROVIDER["NAME"], sign_out_url=sign_out_url)
