"""An enrollment and a lost link as JSON and back, for what is kept between requests. Moments are aware."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .adapter import Agency, Enrollment, ExpiryPolicy, Method
from .processors.types import FundingSource
from .results import PendingLink


def named(enrollment: Enrollment) -> list[Any]:
    """What a page names of an enrollment: a card that was entered there goes nowhere else."""
    expiry = enrollment.expiry
    return [
        enrollment.agency.slug,
        enrollment.account,
        enrollment.group_id,
        enrollment.flow,
        enrollment.verifier,
        enrollment.method.value,
        expiry and [expiry.days, expiry.reenrollment_days],
    ]


def packed_enrollment(enrollment: Enrollment) -> dict[str, Any]:
    """All that settling a lost link later needs of it: neither the sign-in nor the identity."""
    agency, expiry = enrollment.agency, enrollment.expiry
    return {
        "agency": [str(text) for text in (agency.slug, agency.name, agency.home_url, agency.phone, agency.website)],
        "account": enrollment.account,
        "group_id": enrollment.group_id,
        "flow": enrollment.flow,
        "verifier": enrollment.verifier,
        "method": enrollment.method.value,
        "expiry": expiry and [expiry.days, expiry.reenrollment_days],
        "extra_claims": list(enrollment.extra_claims),
    }


def unpacked_enrollment(kept: dict[str, Any]) -> Enrollment:
    slug, name, home_url, phone, website = kept["agency"]
    expiry = kept["expiry"]
    return Enrollment(
        **{
            **kept,
            "agency": Agency(slug=slug, name=name, home_url=home_url, phone=phone, website=website),
            "method": Method(kept["method"]),
            "expiry": expiry and ExpiryPolicy(days=expiry[0], reenrollment_days=expiry[1]),
        }
    )


_OF_A_FUNDING_SOURCE = ("id", "scheme", "category", "last_digits")


def packed_link(link: PendingLink) -> dict[str, Any]:
    funding_source = link.funding_source
    return {
        "account": link.account,
        "group_id": link.group_id,
        "funding_source": [getattr(funding_source, name) for name in _OF_A_FUNDING_SOURCE],
        "expires_at": as_text(link.expires_at),
        "sent_at": link.sent_at,
    }


def unpacked_link(kept: dict[str, Any]) -> PendingLink:
    return PendingLink(
        account=kept["account"],
        group_id=kept["group_id"],
        funding_source=FundingSource(**dict(zip(_OF_A_FUNDING_SOURCE, kept["funding_source"], strict=True))),
        expires_at=as_moment(kept["expires_at"]),
        sent_at=kept["sent_at"],
    )


def as_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def as_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
