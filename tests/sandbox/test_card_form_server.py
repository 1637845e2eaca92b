"""The card form's requests to its server, without a browser."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.utils.timezone import now

from enrollment_errors.sandbox.cards import TEST_CARDS
from enrollment_errors.sandbox.server import SandboxServer

from .conftest import Api


class CardForm:
    def __init__(self, server: SandboxServer, authorization: str) -> None:
        self._url = f"{server.url}/card-form"
        self._headers = {"Authorization": authorization}

    def __call__(self, method: str, path: str) -> requests.Response:
        return requests.request(method, f"{self._url}/{path}", headers=self._headers, timeout=5)

    def use(self, card: str) -> dict[str, Any]:
        told: dict[str, Any] = self("POST", f"use?card={card}").json()
        return told


@pytest.fixture
def form(server: SandboxServer) -> CardForm:
    return CardForm(server, server.state.issue_form_token())


def test_it_lists_every_test_card(form: CardForm) -> None:
    assert [card["key"] for card in form("GET", "cards").json()] == [card.key for card in TEST_CARDS]


def test_a_card_gives_a_token_that_the_api_knows(form: CardForm, api: Api) -> None:
    told = form.use("mastercard")
    assert told["callback"] == "onTokenize"
    found = api("GET", f"fundingsources/bytoken/{told['response']['token']}").json()
    assert (found["card_scheme"], found["card_category"]) == ("mastercard", "credit")


def test_a_card_that_the_processor_does_not_know_gives_a_token_that_it_does_not_find(form: CardForm, api: Api) -> None:
    told = form.use("unknown")
    assert told["callback"] == "onTokenize"
    assert api("GET", f"fundingsources/bytoken/{told['response']['token']}").status_code == 404


def test_a_card_can_be_enrolled_already_and_its_enrollment_be_over(form: CardForm, server: SandboxServer) -> None:
    token = form.use("expired")["response"]["token"]
    memberships = server.state.groups_of(server.state.card(token).id)
    assert [group.id for group, _ in memberships] == list(server.state.groups)
    assert all(link.expiry is not None and link.expiry < now() for _, link in memberships)


@pytest.mark.parametrize("card", ["refused", "error"])
def test_a_card_that_fails_makes_no_token(form: CardForm, server: SandboxServer, card: str) -> None:
    assert form.use(card)["callback"] != "onTokenize"
    assert server.state.cards == {}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "use?card=none"), ("POST", "use"), ("GET", "use?card=visa"), ("POST", "cards")]
)
def test_what_it_does_not_have_is_not_found(form: CardForm, method: str, path: str) -> None:
    assert form(method, path).status_code == 404


def test_it_serves_nobody_without_its_authorization(server: SandboxServer) -> None:
    for authorization in ("", "someone", server.state.issue_api_token()):
        assert CardForm(server, authorization)("GET", "cards").status_code == 401


def test_an_authorization_can_be_taken_back(form: CardForm, server: SandboxServer) -> None:
    assert form("GET", "cards").status_code == 200
    server.state.revoke_form_tokens()
    assert form("GET", "cards").status_code == 401
