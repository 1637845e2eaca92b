"""The contract also fits a processor with card tokenization on its own site: the rider goes there and comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import pytest

from enrollment_errors.adapter import Enrollment, Method
from enrollment_errors.exceptions import (
    CardFormCancelled,
    CardFormFailed,
    CardRefused,
    ConnectionFailed,
    EnrollmentError,
    StatusError,
    TokenizationExpired,
    TokenizationRunning,
)
from enrollment_errors.outcomes import Outcome
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.types import (
    Endpoint,
    FundingSource,
    Link,
    Redirect,
    Tokenization,
    TokenizationRequest,
)
from enrollment_errors.secret import Secret
from enrollment_errors.service import tokenization_request
from tests.rider import End, Rider
from tests.site import AGENCY

pytest_plugins = ["enrollment_errors.testing.plugin"]

GATEWAY = "https://gateway.example/register/1"


class GatewayProcessor(Processor):
    """Keeps everything in memory. Registration n gives the card token ``card-n``."""

    name = "gateway"
    registrations: ClassVar[list[str]] = []
    links: ClassVar[dict[tuple[str, str], datetime | None]] = {}
    end: ClassVar[EnrollmentError | None] = None
    queries: ClassVar[list[Mapping[str, Secret]]] = []
    asked: ClassVar[list[TokenizationRequest]] = []

    account_options = ()

    @classmethod
    def endpoints(cls, options: Any) -> dict[str, Endpoint]:
        return {"api": Endpoint(base_url="https://gateway.example")}

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Tokenization:
        self.asked.append(asked)
        self.registrations.append(return_url.partition("testserver")[2])
        return Redirect(url=GATEWAY, handle=Secret(f"{len(self.registrations)}"), expires_at=time.time() + 600)

    def redeem(self, handle: Secret, query: Mapping[str, Secret]) -> Secret:
        self.queries.append(query)
        if self.end:
            raise self.end
        return Secret(f"card-{handle.reveal()}")

    def find_funding_source(self, card_token: Secret) -> FundingSource:
        return FundingSource(id=card_token.reveal())

    def link(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        if (funding_source.id, group_id) in self.links:
            raise StatusError(409, Secret(""))
        self.links[funding_source.id, group_id] = expires_at

    def find_link(self, funding_source: FundingSource, group_id: str) -> Link | None:
        if (funding_source.id, group_id) not in self.links:
            return None
        return Link(group_id=group_id, expires_at=self.links[funding_source.id, group_id])

    def change_expiry(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        self.links[funding_source.id, group_id] = expires_at


@pytest.fixture
def gateway(settings, monkeypatch):
    processor = {"CLASS": f"{__name__}.GatewayProcessor"}
    settings.ENROLLMENT_ERRORS = {
        **settings.ENROLLMENT_ERRORS,
        "ACCOUNTS": {"gateway": processor},
        "ALLOWED_REDIRECT_HOSTS": ["gateway.example"],
    }
    for name, value in (("registrations", []), ("links", {}), ("queries", []), ("asked", []), ("end", None)):
        monkeypatch.setattr(GatewayProcessor, name, value)
    return GatewayProcessor


class GatewayRider(Rider):
    def registers(self) -> GatewayRider:
        """Starts a visit to the processor's site, whose address comes from the token view."""
        assert self.asks_for_token().json() == {"redirect": GATEWAY}
        self.way_back = GatewayProcessor.registrations[-1]
        return self

    def comes_back(self) -> End:
        """Returns to the last registration's address, then sends what the page's script would send."""
        page = self.goes_to(self.way_back)
        assert '"returned": true' in page.text
        self.goes_back_to(page.text)
        return self.follows(self.client.post(self.way_back, {**self.hidden, "card_token": ""}))


@pytest.fixture
def rider(gateway):
    return GatewayRider().becomes_eligible(account="gateway")


@pytest.fixture
def ends(gateway, monkeypatch):
    """Decides how the next visits end."""
    return lambda end: monkeypatch.setattr(gateway, "end", end)


def test_the_script_is_told_to_send_the_rider_to_the_processor(gateway, rider):
    assert rider.asks_for_token().json() == {"redirect": GATEWAY}
    [returns_to] = gateway.registrations
    assert re.fullmatch("/enrollment/\\?returned=[0-9a-f]{32}", returns_to)


def test_the_rider_who_comes_back_is_enrolled(gateway, rider):
    assert rider.registers().comes_back().page == "success"
    assert list(gateway.links) == [("card-1", "group-seniors")]


def test_a_page_that_claims_a_return_without_one_does_not_enroll(gateway, rider):
    rider.registers()
    for forged in ("0" * 32, "%00", "ä"):
        assert rider.goes_to(f"/enrollment/?returned={forged}").page == "changed"
    page = rider.goes_to("/enrollment/?returned=")
    assert '"returned": false' in page.text
    assert rider.goes_back_to(page.text).sends_the_form("").page == "server_error"
    assert gateway.links == {}


def test_a_second_rider_in_the_same_session_is_registered_anew(gateway, rider):
    for _ in range(2):
        assert rider.registers().comes_back().page == "success"
    assert [card for card, _ in gateway.links] == ["card-1", "card-2"]


def test_reloading_the_return_after_success_shows_the_success_again(gateway, rider):
    first = rider.registers().comes_back()
    assert rider.goes_to(first.url).page == "success"
    assert rider.goes_to(gateway.registrations[-1]).page == "success"


def test_the_return_of_a_visit_that_another_tab_has_replaced_says_so(gateway, rider):
    """The card from the replaced visit is not used, and the rider is told so."""
    first = rider.registers().way_back
    rider.becomes_eligible(account="gateway", group="group-veterans")
    rider.registers()
    page = rider.goes_to(first)
    assert (page.page, page.status) == ("changed", 409)
    assert rider.comes_back().page == "success"
    assert list(gateway.links) == [("card-2", "group-veterans")]


def test_refused_details_are_to_be_checked_and_tried_with_a_new_registration(gateway, rider, ends):
    ends(CardRefused(reason="verification_failed"))
    assert rider.registers().comes_back().page == "check_card"
    ends(None)
    assert rider.registers().comes_back().page == "success"
    assert list(gateway.links) == [("card-2", "group-seniors")]


def test_an_expiry_that_the_benefit_does_not_have_is_cleared_where_the_processor_can(gateway, rider):
    gateway.links["card-1", "group-seniors"] = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
    assert rider.registers().comes_back().page == "success"
    assert gateway.links == {("card-1", "group-seniors"): None}


def test_a_redirect_to_a_host_that_the_settings_do_not_name_is_refused(gateway, rider, settings):
    settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "ALLOWED_REDIRECT_HOSTS": []}
    response = rider.asks_for_token()
    assert response.status_code == 500
    assert response.json()["errors"][0]["code"] == "configuration_error"
    assert GATEWAY not in response.content.decode()


class TestAVisitWithoutACard:
    @pytest.mark.parametrize(
        ("end", "code"),
        [
            (CardFormCancelled, "card_form_cancelled"),
            (TokenizationExpired, "tokenization_expired"),
            (TokenizationRunning, "tokenization_running"),
        ],
    )
    def test_leads_back_to_the_enroll_page_which_says_why(self, gateway, rider, ends, enrollment_reports, end, code):
        ends(end())
        page = rider.registers().comes_back()
        assert page.status == 200
        assert f'"unfinished": "{code}"' in page.text
        [report] = enrollment_reports
        assert (report.outcome, report.code, report.status) == (Outcome.UNFINISHED, code, "cancel")
        assert not report.is_fault

    @pytest.mark.parametrize(
        ("end", "visits"), [(CardFormCancelled, 2), (TokenizationExpired, 2), (TokenizationRunning, 1)]
    )
    def test_continues_only_if_it_is_still_running(self, gateway, rider, ends, end, visits):
        ends(end())
        rider.registers().comes_back()
        rider.asks_for_token()
        assert len(gateway.registrations) == visits

    def test_that_failed_at_the_processor_is_a_system_error(self, gateway, rider, ends, enrollment_reports):
        ends(CardFormFailed("the registration failed"))
        assert rider.registers().comes_back().page == "system_error"
        assert enrollment_reports[0].code == "card_form_error"

    def test_is_no_way_for_a_processor_to_end_anything_else(self, gateway, rider, monkeypatch):
        """Otherwise, the page would ask for another visit at once, forever."""

        def raises(*args: Any) -> Tokenization:
            raise TokenizationExpired

        monkeypatch.setattr(gateway, "request_tokenization", raises)
        assert rider.asks_for_token().json()["errors"][0]["code"] == "unexpected_error"


class TestWhatGoesAlong:
    def test_the_query_of_the_way_back_reaches_the_processor(self, gateway, rider):
        rider.registers()
        rider.way_back += "&state=abc&error=&token=4111111111111111"
        assert rider.comes_back().page == "success"
        [query] = gateway.queries
        assert {name: value.reveal() for name, value in query.items()} == {
            "state": "abc",
            "error": "",
            "token": "4111111111111111",
        }
        assert "4111" not in repr(query)

    def test_the_processor_knows_who_is_about_to_enter_a_card(self, gateway, rider):
        rider.registers()
        [asked] = gateway.asked
        assert (asked.language, asked.card_schemes, asked.is_in_person) == ("en", (), False)
        assert gateway.registrations == [f"/enrollment/?returned={asked.state}"]

    def test_staff_and_the_card_schemes_of_an_agency_are_told(self, gateway):
        asked = tokenization_request(
            Enrollment(
                agency=replace(AGENCY, card_schemes=["visa"]),
                account="gateway",
                group_id="g",
                flow="f",
                verifier="v",
                method=Method.IN_PERSON,
            ),
            "",
        )
        assert asked == TokenizationRequest(language="en", card_schemes=("visa",), is_in_person=True)


class TestAKeptVisit:
    def test_is_used_again_where_the_processor_says_that_it_is_good(self, gateway, rider):
        rider.registers().registers()
        assert len(gateway.registrations) == 1
        assert rider.comes_back().page == "success"

    def test_that_is_no_longer_good_is_replaced_before_the_rider_is_sent(self, gateway, rider, monkeypatch):
        rider.registers()
        old = rider.way_back
        monkeypatch.setattr(gateway, "is_still_good", lambda self, redirect: False)
        rider.registers()
        assert len(gateway.registrations) == 2
        assert rider.goes_to(old).page == "changed"
        assert rider.comes_back().page == "success"

    def test_that_was_replaced_while_its_return_was_open_enrolls_nobody(self, gateway, rider, monkeypatch):
        rider.registers()
        opened = rider.goes_to(rider.way_back)
        assert '"returned": true' in opened.text
        monkeypatch.setattr(gateway, "is_still_good", lambda self, redirect: False)
        rider.registers()
        assert rider.goes_back_to(opened.text).sends_the_form("").page == "changed"
        assert gateway.links == {}

    def test_of_which_the_processor_cannot_say_is_a_failure_like_any_other(self, gateway, rider, monkeypatch):
        def down(*args: Any) -> bool:
            raise ConnectionFailed("refused")

        rider.registers()
        monkeypatch.setattr(gateway, "is_still_good", down)
        assert rider.asks_for_token().json()["errors"][0]["code"] == "processor_unreachable"
