from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from enrollment_errors.adapter import Adapter, Agency, Enrollment, Method, Target
from enrollment_errors.in_person import is_in_person
from enrollment_errors.results import Result

from .benefits import BENEFITS, REGION, Benefit
from .journal import tell


class BenefitsHost(Adapter):
    """The session has the chosen benefit under ``eligible``, and every page names it."""

    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        chosen = request.session.get("eligible")
        if chosen is None:
            return None
        benefit = BENEFITS.get(chosen["benefit"], REGION)
        other = BENEFITS.get(benefit.also)
        return Enrollment(
            agency=_agency(benefit),
            account=benefit.processor,
            group_id=benefit.group,
            flow=benefit.name,
            verifier="nobody",
            expiry=benefit.expiry,
            also=[Target(agency=_agency(other), account=other.processor, group_id=other.group)] if other else (),
            method=Method.IN_PERSON if is_in_person(request) else Method.SELF_SERVICE,
        )

    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        return True  # everyone at the desk is staff

    def on_success(self, request: HttpRequest, enrollment: Enrollment, result: Result) -> None:
        tell(success=result.reference)

    def get_page_context(self, request: HttpRequest, page: str) -> Mapping[str, Any]:
        chosen = request.session.get("eligible")
        return {"benefit": chosen["benefit"] if chosen else ""}


def _agency(benefit: Benefit) -> Agency:
    return Agency(slug=benefit.name, name=f"Agency of {benefit.name}", home_url="/")
