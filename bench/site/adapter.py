from __future__ import annotations

from django.http import HttpRequest

from enrollment_errors.adapter import Adapter, Agency, Enrollment

AGENCY = Agency(slug="bench", name="Bench Transit", home_url="/other/")


def group_of(request: HttpRequest) -> str:
    """The rider's concession group, which the measurement sends in a header."""
    return request.headers["X-Group"]


class EverybodyMayEnroll(Adapter):
    def get_enrollment(self, request: HttpRequest) -> Enrollment:
        return Enrollment(
            agency=AGENCY, account="sandbox", group_id=group_of(request), flow="everybody", verifier="nobody"
        )
