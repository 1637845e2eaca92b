from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from enrollment_errors.adapter import Adapter, Agency, Enrollment, ExpiryPolicy

from . import models


class RegionalAdapter(Adapter):
    """The session says which agency the rider chose, and by which flow they qualified."""

    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        qualified = request.session.get("qualified")
        return None if qualified is None else _enrollment(models.Group.objects.get(pk=qualified))

    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        return map(_enrollment, models.Group.objects.all())


def _enrollment(group: models.Group) -> Enrollment:
    agency = group.agency
    return Enrollment(
        agency=Agency(slug=agency.slug, name=agency.name, home_url="/", card_schemes=agency.card_schemes),
        account=agency.account,
        group_id=group.group_id,
        flow=group.flow,
        verifier="the rider's word",
        expiry=group.expires_after and ExpiryPolicy(days=group.expires_after, reenrollment_days=14),
    )
