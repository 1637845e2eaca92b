"""What this site offers: the agencies, and the flows by which a rider proves that they qualify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from enrollment_errors.adapter import Agency, ExpiryPolicy

AGENCIES = {
    "mountain": {"name": "Mountain Valley Transit", "phone": "(555) 010-0199", "website": "https://mountain.example"},
    "harbor": {"name": "Harbor Bus Lines", "phone": "(555) 010-0142", "website": "https://harbor.example"},
}


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A way to qualify. ``claim`` is what the identity provider must confirm; a flow without one asks for the number of
    an agency card. ``groups`` are the concession groups at the transit processor, by agency.
    """

    title: Promise
    summary: Promise
    verifier: str
    groups: Mapping[str, str]
    claim: str | None = None
    expiry: ExpiryPolicy | None = None


FLOWS = {
    "older-adult": Flow(
        title=_("Older adults"),
        summary=_("For riders who are 65 or older. Example ID confirms your age."),
        verifier="example_id",
        claim="older_adult",
        groups={"mountain": "mountain-older-adult", "harbor": "harbor-older-adult"},
    ),
    "low-income": Flow(
        title=_("Riders with low income"),
        summary=_("Lasts one year, then you can renew it. Example ID confirms that you qualify."),
        verifier="example_id",
        claim="low_income",
        expiry=ExpiryPolicy(days=365, reenrollment_days=14),
        groups={"mountain": "mountain-low-income"},
    ),
    "agency-card": Flow(
        title=_("Riders with an agency card"),
        summary=_("For riders who already have a reduced fare card from the agency."),
        verifier="agency_card",
        groups={"mountain": "mountain-agency-card", "harbor": "harbor-agency-card"},
    ),
}


def agency_of(slug: str, home_url: str) -> Agency:
    return Agency(slug=slug, home_url=home_url, **AGENCIES[slug])


def flows_of(agency: str) -> dict[str, Flow]:
    return {slug: flow for slug, flow in FLOWS.items() if agency in flow.groups}
