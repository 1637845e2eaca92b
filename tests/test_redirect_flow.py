"""A processor whose card tokenization is on its own site fits the contract: the rider goes there and comes back."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any, ClassVar

import pytest

from enrollment_errors.exceptions import CardRefused, StatusError
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.types import FundingSource, Link, Redirect, Tokenization
from enrollment_errors.secret import Secret
from tests.rider import End, Rider

GATEWAY = "https://gateway.example/register/1"


class GatewayProcessor(Processor):
    """Everything in memory. ``handle`` n of a registration becomes the card token ``card-n``."""

    name = "gateway"
    registrations: ClassVar[list[str]] = []
    links: ClassVar[dict[tuple[str, str], datetime | None]] = {}
    refuses: ClassVar[bool] = False

    @classmethod
    def base_url(cls, options: Any) -> str:
        return "https://gateway.example"

    def request_tokenization(self, return_url: str) -> Tokenization:
        self.registrations.append(return_url.partition("testserver")[2])
        return Redirect(url=GATEWAY, handle=Secret(f"{len(self.registrations)}"), expires_at=time.time() + 600)

    def redeem(self, handle: Secret) -> Secret:
        if self.refuses:
            raise CardRefused("verification failed")
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
    for name, value in (("registrations", []), ("links", {}), ("refuses", False)):
        monkeypatch.setattr(GatewayProcessor, name, value)
    return GatewayProcessor


class GatewayRider(Rider):
    def registers(self) -> GatewayRider:
        """At the processor's site: its address is what the token view answers."""
        assert self.asks_for_token().json() == {"redirect": GATEWAY}
        self.way_back = GatewayProcessor.registrations[-1]
        return self

    def comes_back(self) -> End:
        """From there, by the last registration's way back, with what the page's script then does."""
        page = self.goes_to(self.way_back)
        assert '"returned": true' in page.text
        return self.goes_back_to(page.text).sends_the_form("")


@pytest.fixture
def rider(gateway):
    return GatewayRider().becomes_eligible(account="gateway")


def test_the_script_is_told_to_send_the_rider_to_the_processor(gateway, rider):
    assert rider.asks_for_token().json() == {"redirect": GATEWAY}
    [returns_to] = gateway.registrations
    assert re.fullmatch("/enrollment/\\?returned=[0-9a-f]{32}", returns_to)


def test_the_rider_who_comes_back_is_enrolled(gateway, rider):
    assert rider.registers().comes_back().page == "success"
    assert list(gateway.links) == [("card-1", "group-seniors")]


def test_a_page_that_claims_a_return_without_one_does_not_enroll(gateway, rider):
    rider.registers()
    for forged in ("", "0" * 32, "%00", "ä"):
        page = rider.goes_to(f"/enrollment/?returned={forged}")
        assert '"returned": false' in page.text
        assert rider.goes_back_to(page.text).sends_the_form("").page in ("changed", "server_error")
    assert gateway.links == {}


def test_a_second_rider_in_the_same_session_is_registered_anew(gateway, rider):
    for _ in range(2):
        assert rider.registers().comes_back().page == "success"
    assert [card for card, _ in gateway.links] == ["card-1", "card-2"]


def test_reloading_the_return_after_success_shows_the_success_again(gateway, rider):
    first = rider.registers().comes_back()
    assert rider.goes_to(first.url).page == "success"
    assert '"returned": false' in rider.goes_to(gateway.registrations[-1]).text


def test_refused_details_are_to_be_checked_and_tried_with_a_new_registration(gateway, rider, monkeypatch):
    monkeypatch.setattr(gateway, "refuses", True)
    assert rider.registers().comes_back().page == "check_card"
    monkeypatch.setattr(gateway, "refuses", False)
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
