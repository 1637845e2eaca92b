"""The success page says what a rider may want to keep: the card, the benefit, the agency, the days, the reference."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import override_settings
from django.utils.dateformat import format as date_format
from django.utils.timezone import localtime

from enrollment_errors.adapter import Enrollment
from enrollment_errors.card_schemes import scheme_name
from enrollment_errors.encryption import decrypt, encrypt
from enrollment_errors.processors.types import FundingSource
from enrollment_errors.region import Part, Region
from enrollment_errors.rider_session import END
from enrollment_errors.sandbox.faults import Fault
from tests.rider import CARD_TOKEN, Rider
from tests.site import AGENCY

DOWN = Fault(kind="status", status=503)
LOST = Fault(kind="reset", after_effect=True)
NO_END = "Last day of the reduced fare: It has no end date."


def facts(end: Any) -> dict[str, str]:
    """What the page's panels say, by their terms."""
    found = {}
    for panel in re.findall(r'<dl class="enrollment-dates">(.*?)</dl>', end.text, re.DOTALL):
        for term, details in re.findall(r"<dt>(.*?)</dt>(.*?)</div>", panel, re.DOTALL):
            found[term.strip()] = " ".join(re.sub(r"<[^>]+>", " ", details).split())
    return found


def today() -> str:
    return date_format(localtime(), "N j, Y")


class TestTheFacts:
    def test_are_the_card_the_benefit_the_agency_and_the_days(self, sandbox, rider):
        end = rider.becomes_eligible(benefit="Older adults").enrolls()
        assert facts(end) == {
            "Card": "Visa ending in 0119",
            "Benefit": "Older adults",
            "Transit agency": "Mountain Valley Transit",
            "First day of the reduced fare": today(),
            "Last day of the reduced fare": "It has no end date.",
        }
        assert end.reference

    def test_name_the_last_day(self, sandbox, rider):
        last = facts(rider.becomes_eligible(expires=True).enrolls())["Last day of the reduced fare"]
        assert re.fullmatch(r"[A-Z][a-z.]+ \d+, \d{4}", last)

    def test_leave_out_what_nobody_knows(self, sandbox, rider):
        sandbox.faults.set("lookup", Fault(kind="missing_fields", fields=("card_last_digits", "card_scheme")))
        assert not {"Card", "Benefit"} & facts(rider.enrolls()).keys()

    @pytest.mark.parametrize(
        ("missing", "name"), [("card_last_digits", "Visa"), ("card_scheme", "Card ending in 0119")]
    )
    def test_name_a_card_by_its_scheme_alone_or_its_digits_alone(self, sandbox, rider, missing, name):
        sandbox.faults.set("lookup", Fault(kind="missing_fields", fields=(missing,)))
        assert facts(rider.enrolls())["Card"] == name

    def test_of_a_card_that_was_enrolled_before_do_not_claim_a_first_day(self, sandbox, rider):
        sandbox.state.link(sandbox.state.cards[CARD_TOKEN].id, "group-seniors", None)
        told = facts(rider.enrolls())
        assert told["Already enrolled on"] == today()
        assert "First day of the reduced fare" not in told

    def test_of_a_renewal_say_so(self, sandbox, rider):
        past = datetime.now(tz=timezone.utc) - timedelta(days=3)
        sandbox.state.link(sandbox.state.cards[CARD_TOKEN].id, "group-seniors", past)
        assert facts(rider.becomes_eligible(expires=True).enrolls())["Renewed on"] == today()

    def test_of_a_card_in_another_group_claim_no_end(self, sandbox, rider):
        sandbox.faults.set("link", Fault(kind="status", status=409, body='{"message": "already in group"}'))
        told = facts(rider.becomes_eligible(expires=True).enrolls())
        assert "Already enrolled on" in told
        assert "Last day of the reduced fare" not in told

    def test_are_there_though_a_name_is_longer_than_a_cookie(self, sandbox, rider):
        told = facts(rider.becomes_eligible(benefit="長" * 5_000).enrolls())
        assert told["Card"] == "Visa ending in 0119"


class TestAfterALostAnswer:
    def test_the_day_is_the_one_on_which_the_link_was_sent(self, sandbox, rider):
        sandbox.faults.set("link", LOST)
        sandbox.faults.set("groups", DOWN)
        with time_machine.travel(datetime(2026, 1, 2, 20, tzinfo=timezone.utc)):
            lost = rider.becomes_eligible(benefit="Older adults").enrolls()
        assert lost.page == "still_checking"
        sandbox.faults.clear()
        cache.clear()  # nobody else knows when the link was sent
        with time_machine.travel(datetime(2026, 1, 3, 19, tzinfo=timezone.utc)):
            told = facts(rider.checks_again(lost))
        assert told["First day of the reduced fare"] == "Jan. 2, 2026"
        assert told["Benefit"] == "Older adults"

    def test_the_rider_can_check_again_though_the_benefits_name_is_longer_than_a_cookie(self, sandbox, rider):
        sandbox.faults.set("link", LOST)
        sandbox.faults.set("groups", DOWN)
        lost = rider.becomes_eligible(benefit="長" * 5_000).enrolls()
        sandbox.faults.clear()
        assert facts(rider.checks_again(lost))["Card"] == "Visa ending in 0119"


class TestTheyStayTheSame:
    def test_after_a_reload_and_after_a_second_click(self, sandbox, rider):
        rider.opens_the_page()
        first = rider.sends_the_form()
        assert facts(rider.goes_to(first.url)) == facts(rider.sends_the_form()) == facts(first)

    def test_whatever_the_session_is_good_for_since(self, sandbox, rider):
        end = rider.becomes_eligible(benefit="Older adults").enrolls()
        rider.becomes_eligible(benefit="Veterans", flow="veteran", group="group-veterans")
        assert facts(rider.goes_to(end.url)) == facts(end)

    def test_but_the_benefit_follows_the_language_of_the_page(self, sandbox, rider):
        end = rider.becomes_eligible(benefit="Older adults").enrolls()
        rider.becomes_eligible(benefit="Personas mayores")
        assert facts(rider.goes_to(end.url))["Benefit"] == "Personas mayores"

    def test_and_nobody_else_sees_them(self, sandbox, rider):
        end = rider.becomes_eligible(benefit="Older adults").enrolls()
        stranger = Rider().becomes_eligible()
        assert facts(stranger.goes_to(end.url)) == {}
        assert stranger.goes_to(end.url).reference == end.reference

    def test_of_an_end_that_an_earlier_version_kept_are_those_that_it_knew(self, sandbox, rider):
        end = rider.enrolls()
        cookie = rider.client.cookies[END]
        kept = json.loads(decrypt(cookie.value, purpose=f"cookie.{END}"))
        for new in ("card_scheme", "enrolled_at", "agency", "benefit", "made_for"):
            del kept[new]
        cookie.set(END, *[encrypt(json.dumps(kept), purpose=f"cookie.{END}")] * 2)
        assert facts(rider.goes_to(end.url)) == {"Card": "Card ending in 0119"}
        assert "You have already enrolled a card" not in rider.opens_the_page().text

    def test_what_is_kept_is_encrypted(self, sandbox, rider):
        rider.becomes_eligible(benefit="Older adults").enrolls()
        kept = rider.client.cookies[END].value
        # Quoted, or with a space: characters that no encrypted text has by chance.
        for word in ('"0119"', '"visa"', "Older adults"):
            assert word in decrypt(kept, purpose=f"cookie.{END}")
            assert word not in kept


class TestInARegion:
    @pytest.fixture
    def region(self, sandbox, rider):
        sandbox.state.add_group("group-coast")
        return rider.becomes_eligible(
            benefit="Older adults", also={"coast": {"account": "littlepay", "group": "group-coast", "expires": True}}
        )

    def test_each_agency_has_its_days_and_the_card_is_named_once(self, region):
        told = facts(region.enrolls())
        first_day = f"Enrolled First day of the reduced fare: {today()}"
        assert told.pop("Coast Transit").startswith(f"{first_day} Last day of the reduced fare: ")
        assert told == {
            "Card": "Visa ending in 0119",
            "Benefit": "Older adults",
            "Mountain Valley Transit": f"{first_day} {NO_END}",
        }

    def test_where_their_ends_differ_but_all_have_the_fare_too(self, region, sandbox):
        later = datetime.now(tz=timezone.utc) + timedelta(days=90)
        sandbox.state.link(sandbox.state.cards[CARD_TOKEN].id, "group-coast", later)
        end = region.enrolls()
        assert end.page == "partial"
        told = facts(end)
        assert (told["Card"], told["Benefit"]) == ("Visa ending in 0119", "Older adults")
        assert told["Mountain Valley Transit"] == f"Enrolled First day of the reduced fare: {today()} {NO_END}"
        assert "First day of the reduced fare" not in told["Coast Transit"]

    def test_two_cards_are_named_as_neither(self, region, sandbox):
        one = Enrollment(agency=AGENCY, account="a", group_id="g", flow="f", verifier="v")
        parts = [
            Part(enrollment=one, funding_source=FundingSource(id=digits or "x", last_digits=digits))
            for digits in ("0119", "4242")
        ]
        assert Region(reference="", parts=parts).card is None
        assert Region(reference="", parts=parts[:1]).card == parts[0].funding_source
        nameless = replace(parts[0], funding_source=FundingSource(id="x"))
        assert Region(reference="", parts=[nameless]).card is None


class TestWhatRidersGetWrong:
    def test_is_said_in_plain_words(self, sandbox, rider):
        html = rider.enrolls().text
        assert "Tap this same card each time you ride." in html
        assert "A phone or watch has its own card number." in html
        assert "If your bank sends you a new card, enroll the new card too." in html


def test_staff_read_the_facts_too_and_tell_the_rider(sandbox, site):
    staff = Rider(base="/staff/").becomes_eligible(benefit="Older adults")
    end = staff.enrolls()
    told = facts(end)
    assert (told["Card"], told["Benefit"]) == ("Visa ending in 0119", "Older adults")
    assert told["First day of the reduced fare"] == today()
    assert "If the bank sends a new card, enroll the new card too." in end.text


@override_settings(TIME_ZONE="Pacific/Kiritimati")
def test_the_day_is_a_day_of_the_site(sandbox, rider):
    assert facts(rider.enrolls())["First day of the reduced fare"] == today()


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("visa", "Visa"),
        ("VISA", "Visa"),
        ("American Express", "American Express"),
        ("amex", "American Express"),
        ("star-sign", ""),
        (None, ""),
    ],
)
def test_a_scheme_has_the_name_that_riders_know(scheme, name):
    assert scheme_name(scheme) == name
