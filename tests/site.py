"""The test site's adapter. Tests write straight into the session who may enroll."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from enrollment_errors.adapter import Adapter, Agency, Enrollment, ExpiryPolicy, Method, SignIn, Target
from enrollment_errors.in_person import is_in_person

AGENCY = Agency(
    slug="mountain",
    name="Mountain Valley Transit",
    home_url="/mountain/",
    phone="(555) 010-0199",
    website="https://transit.example",
)


class TestAdapter(Adapter):
    """Reads ``request.session["eligible"]``: a dict of changes to the plain enrollment; without it, nobody may enroll.
    ``also`` holds the other targets, by the slugs of their agencies."""

    __test__ = False  # its name looks like a test class to pytest

    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        eligible = request.session.get("eligible")
        if eligible is None:
            return None
        return Enrollment(
            agency=dataclasses.replace(
                AGENCY, slug=eligible.get("agency", AGENCY.slug), card_schemes=eligible.get("card_schemes", ())
            ),
            account=eligible.get("account", "littlepay"),
            group_id=eligible.get("group", "group-seniors"),
            flow=eligible.get("flow", "senior"),
            benefit=eligible.get("benefit", ""),
            verifier=eligible.get("verifier", "login.gov"),
            expiry=_expiry(eligible),
            sign_in=SignIn(provider="Login.gov", sign_out_url="/sign-out/") if eligible.get("signed_in") else None,
            finish_until=_moment(eligible.get("finish_until")),
            cards=eligible.get("cards"),
            method=Method.IN_PERSON if is_in_person(request) else Method.SELF_SERVICE,
            also=[
                Target(
                    agency=dataclasses.replace(AGENCY, slug=slug, name=f"{slug.title()} Transit"),
                    account=target["account"],
                    group_id=target["group"],
                    expiry=_expiry(target),
                )
                for slug, target in eligible.get("also", {}).items()
            ],
        )

    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        return True  # most tests are about something else


def _expiry(eligible: dict[str, Any]) -> ExpiryPolicy | None:
    return ExpiryPolicy(days=365, reenrollment_days=14) if eligible.get("expires") else None


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
