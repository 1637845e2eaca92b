"""What a site tells the app, and when a benefit expires."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from django.utils import timezone as django_timezone

from enrollment_errors.adapter import Agency, Enrollment, ExpiryPolicy
from enrollment_errors.exceptions import ConfigurationError

AGENCY = Agency(slug="mst", name="Mountain", home_url="/", phone="+1 (555) 010-0199", website="https://a.example")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc]


def test_a_benefit_expires_at_the_midnight_that_ends_its_last_day_in_the_sites_time_zone():
    policy = ExpiryPolicy(days=10, reenrollment_days=2)
    # 23:30 on January 1 in Los Angeles: ten days later is the 11th, which ends at midnight, when the 12th begins.
    assert policy.expires_at(utc(2026, 1, 2, 7, 30)) == utc(2026, 1, 12, 8)


def test_the_expiry_is_midnight_although_the_clocks_change_on_the_way():
    policy = ExpiryPolicy(days=10, reenrollment_days=2)
    expires_at = policy.expires_at(utc(2026, 3, 1, 20))  # the clocks go forward on March 8
    assert django_timezone.localtime(expires_at).strftime("%d %H:%M") == "12 00:00"
    assert expires_at == utc(2026, 3, 12, 7)


def test_reenrollment_opens_at_midnight_although_the_clocks_change_on_the_way():
    policy = ExpiryPolicy(days=30, reenrollment_days=10)
    opens_at = policy.reenrollment_opens_at(utc(2026, 3, 12, 7))
    assert django_timezone.localtime(opens_at).strftime("%m-%d %H:%M") == "03-02 00:00"


def test_the_dates_are_those_of_the_sites_time_zone_wherever_the_rider_is():
    policy = ExpiryPolicy(days=30, reenrollment_days=10)
    with django_timezone.override("Asia/Tokyo"):
        assert policy.expires_at(utc(2026, 6, 1, 20)) == utc(2026, 7, 2, 7)
        # Los Angeles is 17 hours behind Tokyo on November 3, and 16 on October 24.
        assert policy.reenrollment_opens_at(utc(2026, 11, 3, 8)) == utc(2026, 10, 24, 7)


@pytest.mark.parametrize(("days", "window"), [(0, 0), (-1, 0), (10, 11), (10, -1)])
def test_a_policy_that_makes_no_sense_is_refused(days, window):
    with pytest.raises(ConfigurationError, match="ExpiryPolicy"):
        ExpiryPolicy(days=days, reenrollment_days=window)


@pytest.mark.parametrize("missing", ["slug", "name", "home_url"])
def test_an_agency_without_what_every_page_needs_is_refused(missing):
    with pytest.raises(ConfigurationError, match=missing):
        Agency(**{"slug": "a", "name": "A", "home_url": "/", missing: ""})


def test_an_agencys_website_must_be_a_whole_address():
    with pytest.raises(ConfigurationError, match="website"):
        Agency(slug="a", name="A", home_url="/", website="javascript:alert(1)")


@pytest.mark.parametrize(("phone", "link"), [("+1 (555) 010-0199", "+15550100199"), ("555 0100", "5550100"), ("", "")])
def test_a_phone_number_is_dialled_by_its_digits(phone, link):
    assert Agency(slug="a", name="A", home_url="/", phone=phone).phone_link == link


def test_an_enrollment_without_a_group_is_refused():
    with pytest.raises(ConfigurationError, match="group_id"):
        Enrollment(agency=AGENCY, account="p", group_id="", flow="f", verifier="v")
