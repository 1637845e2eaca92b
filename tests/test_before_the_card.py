"""The enroll page says which cards work before a rider gets one out, and whether one is enrolled already."""

from __future__ import annotations

import re

from enrollment_errors.sandbox.faults import Fault
from tests.rider import Rider


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


class TestTheCardsThatWork:
    def test_are_those_of_the_agency_as_in_the_card_form(self, sandbox, rider):
        html = rider.becomes_eligible(card_schemes=["visa", "mastercard", "local-card"]).opens_the_page().text
        assert "Cards that work here: Visa, Mastercard, local-card" in words(html)
        assert '"cardTypes": ["visa", "mastercard", "local-card"]' in html

    def test_are_else_those_of_the_account(self, site, settings, rider):
        account = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]
        options = {**account["OPTIONS"], "CARD_FORM_OPTIONS": {"cardTypes": ["amex"]}}
        site(ACCOUNTS={**settings.ENROLLMENT_ERRORS["ACCOUNTS"], "littlepay": {**account, "OPTIONS": options}})
        assert "Cards that work here: American Express" in words(rider.opens_the_page().text)

    def test_are_not_named_where_nobody_says(self, sandbox, rider):
        assert "Cards that work here" not in rider.opens_the_page().text


def test_phones_and_watches_are_explained_to_riders_and_to_staff(sandbox, rider):
    assert "A phone or watch has its own card number." in rider.opens_the_page().text
    staff = Rider(base="/staff/").becomes_eligible()
    assert "It gets no reduced fare unless it is enrolled too." in staff.opens_the_page().text


class TestACardThatIsEnrolledAlready:
    TOLD = "You have already enrolled a card."

    def test_is_named_with_the_way_to_its_page_and_to_another_card(self, sandbox, rider):
        assert self.TOLD not in rider.opens_the_page().text
        end = rider.sends_the_form()
        html = rider.opens_the_page().text
        assert f"{self.TOLD} Visa ending in 0119 To enroll another card, continue below." in words(html)
        [address] = re.findall(r'<a href="([^"]+)">See your enrollment</a>', html)
        assert address == end.url
        assert rider.goes_to(address).page == "success"

    def test_is_none_after_a_failure(self, sandbox, rider):
        sandbox.faults.set("link", Fault(kind="status", status=503))
        rider.enrolls()
        assert self.TOLD not in rider.opens_the_page().text

    def test_is_none_for_another_benefit_or_another_rider(self, sandbox, rider):
        rider.enrolls()
        rider.becomes_eligible(flow="veteran", group="group-veterans")
        assert self.TOLD not in rider.opens_the_page().text
        rider.becomes_eligible()
        assert self.TOLD in rider.opens_the_page().text
        rider.client.session.flush()
        del rider.client.cookies["sessionid"]
        assert self.TOLD not in rider.becomes_eligible().opens_the_page().text

    def test_staff_read_it_of_the_rider(self, sandbox, site):
        staff = Rider(base="/staff/").becomes_eligible()
        staff.enrolls()
        assert "A card of this rider is already enrolled. Visa ending in 0119" in words(staff.opens_the_page().text)
