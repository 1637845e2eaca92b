from __future__ import annotations

from dataclasses import dataclass

from enrollment_errors.adapter import ExpiryPolicy


@dataclass(frozen=True)
class Benefit:
    """Each belongs to a different agency and has its own concession group. ``processor`` is the site's name for the
    account. ``also`` is another benefit for the same card."""

    name: str
    group: str
    processor: str = "card form"
    expiry: ExpiryPolicy | None = None
    also: str = ""


BENEFITS = {
    benefit.name: benefit
    for benefit in (
        Benefit("seniors", "group-seniors"),
        Benefit("veterans", "group-veterans", expiry=ExpiryPolicy(days=365, reenrollment_days=14)),
        Benefit("low-income", "group-low-income", processor="gateway"),
    )
}

REGION = Benefit("region", "group-seniors", also="veterans")
"""No rider in the model chooses it."""
