"""The flows by which a rider proves that they qualify. ``models`` has the agencies that offer them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from enrollment_errors.adapter import ExpiryPolicy


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A way to qualify. The identity provider must confirm ``claim``. A flow without a claim asks for the number of an
    agency card. A flow that ``is_regional`` needs one proof and one card for all agencies that offer it. If the
    processor is down, the site may enroll the rider later, for as long as the proof ``is_good_for``.
    """

    title: Promise
    summary: Promise
    verifier: str
    claim: str | None = None
    expiry: ExpiryPolicy | None = None
    is_regional: bool = False
    is_good_for: timedelta | None = None


FLOWS = {
    "older-adult": Flow(
        title=_("Older adults"),
        summary=_("For riders who are 65 or older. Example ID confirms your age."),
        verifier="example_id",
        claim="older_adult",
    ),
    "low-income": Flow(
        title=_("Riders with low income"),
        summary=_("Lasts one year, then you can renew it. Example ID confirms that you qualify."),
        verifier="example_id",
        claim="low_income",
        expiry=ExpiryPolicy(days=365, reenrollment_days=14),
    ),
    "regional": Flow(
        title=_("Older adults, in the whole region"),
        summary=_("One card for all agencies of the region. Example ID confirms that you are 65 or older."),
        verifier="example_id",
        claim="older_adult",
        is_regional=True,
    ),
    "agency-card": Flow(
        title=_("Riders with an agency card"),
        summary=_("For riders who already have a reduced fare card from the agency."),
        verifier="agency_card",
        is_good_for=timedelta(hours=12),
    ),
}
