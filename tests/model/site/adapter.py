from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from enrollment_errors.adapter import Adapter, Agency, Enrollment, Method
from enrollment_errors.in_person import is_in_person
from enrollment_errors.results import Result

from .benefits import BENEFITS
from .journal import tell


class BenefitsHost(Adapter):
    """The session says under ``eligible`` which benefit was chosen, and every page names it."""

    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        chosen = request.session.get("eligible")
        if chosen is None:
            return None
        benefit = BENEFITS[chosen["benefit"]]
        return Enrollment(
            agency=Agency(slug=benefit.name, name=f"Agency of {benefit.name}", home_url="/"),
            account=benefit.processor,
            group_id=benefit.group,
            flow=benefit.name,
            verifier="nobody",
            expiry=benefit.expiry,
            method=Method.IN_PERSON if is_in_person(request) else Method.SELF_SERVICE,
        )

    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        return True  # whoever sits at the desk is its staff

    def on_success(self, request: HttpRequest, enrollment: Enrollment, result: Result) -> None:
        tell(success=result.reference)

    def get_page_context(self, request: HttpRequest, page: str) -> Mapping[str, Any]:
        chosen = request.session.get("eligible")
        return {"benefit": chosen["benefit"] if chosen else ""}
