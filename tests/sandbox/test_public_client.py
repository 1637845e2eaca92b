"""calitp-littlepay, the client that public transit-benefit sites use, works with the sandbox as with the processor.

If the sandbox answers anything that this client does not expect, it is a bug in the sandbox.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from authlib.integrations.base_client import OAuthError, UnsupportedTokenTypeError
from littlepay.api.client import Client
from littlepay.api.funding_sources import FundingSourceResponse

from enrollment_errors.sandbox.cards import TEST_CARDS, tokenize
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.littlepay.state import LINK_CONFLICTS
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.state import now, written

EXPIRY = datetime(2027, 1, 31, 8, tzinfo=timezone.utc)


@pytest.fixture
def client(server: SandboxServer) -> Iterator[Client]:
    state = server.state
    client = Client(server.url, state.client_id, state.client_secret, state.audience)
    client.oauth.trust_env = False
    with closing(client.oauth):
        client.oauth.ensure_active_token(client.token)
        yield client


@pytest.fixture
def unauthorized(client: Client) -> Client:
    """It has no API access token yet."""
    client.oauth.token = None
    return client


def unlink(client: Client, group: str, source: str) -> bool:
    """The client can make the request and the address, but has no method that combines them."""
    return client._delete(client.concession_group_funding_source_endpoint(group, source))


def status_of(error: pytest.ExceptionInfo[requests.HTTPError]) -> int:
    """The client's callers read the body of a refusal as JSON, and fail if it is not."""
    assert error.value.response.json()["errors"][0]["detail"]
    return error.value.response.status_code


class TestApiToken:
    def test_its_credentials_get_a_token_that_it_uses_until_it_ends(
        self, server: SandboxServer, client: Client
    ) -> None:
        assert client.token["token_type"] == "Bearer"
        assert client.token["expires_at"] == pytest.approx(time.time() + 3600, abs=60)
        assert len([*client.get_concession_groups(), *client.get_concession_groups()]) == 6
        assert server.calls == {"authorization": 1, "concession_groups": 2}

    def test_a_token_within_a_minute_of_its_end_is_replaced_when_it_is_asked_for(
        self, server: SandboxServer, unauthorized: Client
    ) -> None:
        server.state.api_token_seconds = 30
        assert unauthorized.token["access_token"] != unauthorized.token["access_token"]
        server.state.api_token_seconds = 3600
        assert unauthorized.token["access_token"] == unauthorized.token["access_token"]

    def test_a_token_that_was_kept_is_used_again(self, server: SandboxServer, client: Client) -> None:
        state = server.state
        again = Client(server.url, state.client_id, state.client_secret, state.audience, token=dict(client.token))
        again.oauth.trust_env = False
        with closing(again.oauth):
            assert len(list(again.get_concession_groups())) == 3
        assert server.calls["authorization"] == 1

    def test_a_revoked_token_is_refused(self, server: SandboxServer, client: Client) -> None:
        server.state.revoke_api_tokens()
        with pytest.raises(requests.HTTPError) as error:
            list(client.get_concession_groups())
        assert status_of(error) == 401

    @pytest.mark.parametrize("secret", ["p+s%&=/?", "ü w", '"\\'])
    def test_a_secret_of_any_characters_arrives_as_it_is(self, server: SandboxServer, secret: str) -> None:
        server.state.client_secret = secret
        client = Client(server.url, server.state.client_id, secret, server.state.audience)
        client.oauth.trust_env = False
        with closing(client.oauth):
            assert client.token["access_token"]

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ("client_id", "invalid_client"),
            ("client_secret", "invalid_client"),
            ("audience", "access_denied"),
            ("grant_type", "unsupported_grant_type"),
        ],
    )
    def test_a_refusal_is_not_taken_for_a_token(self, unauthorized: Client, wrong: str, error: str) -> None:
        unauthorized.credentials[wrong] = "wrong"
        with pytest.raises(OAuthError) as refused:
            _ = unauthorized.token
        assert refused.value.error == error
        assert refused.value.description
        assert unauthorized.oauth.token is None

    def test_a_request_that_is_no_json_is_refused_in_the_words_of_oauth_too(self, unauthorized: Client) -> None:
        unauthorized.headers["Content-Type"] = "application/x-www-form-urlencoded"
        with pytest.raises(OAuthError, match="invalid_request"):
            _ = unauthorized.token

    def test_a_type_of_token_that_it_does_not_know_stops_it(self, server: SandboxServer, unauthorized: Client) -> None:
        server.state.token_type = "MAC"
        unauthorized.oauth.ensure_active_token(unauthorized.token)
        with pytest.raises(UnsupportedTokenTypeError):
            list(unauthorized.get_concession_groups())


class TestCardTokenization:
    def test_access_is_a_token_that_the_card_form_accepts(self, server: SandboxServer, client: Client) -> None:
        access = client.request_card_tokenization_access()
        assert server.state.accepts_form_token(access["access_token"])
        assert access["expires_at"] == pytest.approx(time.time() + 1800, abs=60)


class TestFundingSource:
    def test_a_card_token_gives_everything_that_the_client_knows_of_a_card(
        self, server: SandboxServer, client: Client
    ) -> None:
        source = server.state.add_card("card-1", scheme="mastercard", category="credit")
        assert client.get_funding_source_by_token("card-1") == FundingSourceResponse(
            id=source,
            card_first_digits="476173",
            card_last_digits="0119",
            card_expiry_month="12",
            card_expiry_year="31",
            card_scheme="mastercard",
            card_category="credit",
            form_factor="physical",
            participant_id="sandbox",
            is_fpan=False,
            related_funding_sources=[],
            created_date=written(server.state.funding_sources[source].created),
        )

    def test_a_card_without_a_category_is_one_without(self, server: SandboxServer, client: Client) -> None:
        server.state.add_card("card-1", category=None)
        assert client.get_funding_source_by_token("card-1").card_category is None

    def test_every_card_of_the_card_form_is_found_by_a_client_that_does_not_encode_its_token(
        self, server: SandboxServer, client: Client
    ) -> None:
        for card in TEST_CARDS:
            if card.known and card.end == "tokenized":
                assert client.get_funding_source_by_token(tokenize(server.state, card)).card_scheme == card.scheme

    def test_an_unknown_card_token_is_not_found(self, client: Client) -> None:
        with pytest.raises(requests.HTTPError) as error:
            client.get_funding_source_by_token("nobody")
        assert status_of(error) == 404


class TestGroups:
    def test_the_groups_are_listed_as_texts_that_it_can_print(self, client: Client) -> None:
        assert [group.csv() for group in client.get_concession_groups()] == [
            "group-seniors,Older adults,sandbox",
            "group-veterans,Veterans,sandbox",
            "group-low-income,People with low incomes,sandbox",
        ]

    def test_a_card_is_in_the_groups_that_it_was_linked_to(
        self, server: SandboxServer, client: Client, source: str
    ) -> None:
        server.state.link(source, "group-seniors")
        server.state.link(source, "group-veterans", EXPIRY)
        first, second = client.get_funding_source_linked_concession_groups(source)
        assert (first.group_id, first.label, first.expiry_date) == ("group-seniors", "Older adults", None)
        assert (second.group_id, second.label, second.expiry_date) == ("group-veterans", "Veterans", EXPIRY)
        assert now() - second.created_date < timedelta(minutes=1)
        assert second.updated_date == second.created_date

    def test_a_card_in_no_group_and_a_group_without_cards_are_empty_lists(
        self, server: SandboxServer, client: Client, source: str
    ) -> None:
        assert list(client.get_funding_source_linked_concession_groups(source)) == []
        assert list(client.get_concession_group_linked_funding_sources("group-seniors")) == []
        assert (server.calls["groups"], server.calls["group_members"]) == (1, 1)

    @pytest.mark.parametrize("name", ["funding source", "group"])
    def test_what_is_unknown_is_not_found(self, client: Client, name: str) -> None:
        calls = {
            "funding source": client.get_funding_source_linked_concession_groups,
            "group": client.get_concession_group_linked_funding_sources,
        }
        with pytest.raises(requests.HTTPError) as error:
            list(calls[name]("nobody"))
        assert status_of(error) == 404


class TestPages:
    """The client asks for pages of 100 until it has as many items as the first page says there are."""

    @pytest.mark.parametrize(("members", "pages"), [(99, 1), (100, 1), (101, 2), (250, 3), (300, 3)])
    def test_every_member_of_a_group_comes_once(
        self, server: SandboxServer, client: Client, members: int, pages: int
    ) -> None:
        server.state.fill_group("group-seniors", members)
        found = [member.id for member in client.get_concession_group_linked_funding_sources("group-seniors")]
        assert found == list(server.state.groups["group-seniors"].links)
        assert len(found) == members
        assert server.calls["group_members"] == pages

    def test_every_group_comes_once_and_so_do_those_of_a_card(
        self, server: SandboxServer, client: Client, source: str
    ) -> None:
        for number in range(150):
            server.state.add_group(f"group-{number}")
        for group in server.state.groups:
            server.state.link(source, group)
        groups = list(server.state.groups)
        assert [group.id for group in client.get_concession_groups()] == groups
        assert [link.group_id for link in client.get_funding_source_linked_concession_groups(source)] == groups


class TestLink:
    def test_a_card_is_linked_without_an_end(self, server: SandboxServer, client: Client, source: str) -> None:
        assert client.link_concession_group_funding_source("group-seniors", source) == {"status_code": 201}
        assert server.state.existing_link(source, "group-seniors").expiry is None

    @pytest.mark.parametrize(
        "expiry",
        [
            EXPIRY,
            EXPIRY.replace(tzinfo=None),
            EXPIRY.astimezone(timezone(timedelta(hours=-8))),
            EXPIRY.astimezone(timezone(timedelta(hours=5, minutes=45))),
            EXPIRY.replace(microsecond=999_999),
        ],
        ids=["utc", "naive, meant as utc", "west", "east", "microseconds, left out"],
    )
    def test_an_end_is_kept_and_comes_back_however_the_caller_had_it(
        self, server: SandboxServer, client: Client, source: str, expiry: datetime
    ) -> None:
        client.link_concession_group_funding_source("group-seniors", source, expiry)
        client.link_concession_group_funding_source("group-veterans", source)
        changed = client.update_concession_group_funding_source_expiry("group-veterans", source, expiry)
        assert changed == {"status_code": 200}
        for link in client.get_funding_source_linked_concession_groups(source):
            assert link.expiry_date == EXPIRY
        for group in ("group-seniors", "group-veterans"):
            (member,) = client.get_concession_group_linked_funding_sources(group)
            assert (member.id, member.expiry_date) == (source, EXPIRY)

    @pytest.mark.parametrize("conflict", LINK_CONFLICTS)
    def test_a_second_link_is_refused_with_the_status_and_the_words_that_callers_look_for(
        self, server: SandboxServer, client: Client, source: str, conflict: str
    ) -> None:
        server.state.link_conflict = conflict
        client.link_concession_group_funding_source("group-seniors", source)
        with pytest.raises(requests.HTTPError) as error:
            client.link_concession_group_funding_source("group-seniors", source)
        status, wording = LINK_CONFLICTS[conflict]
        assert status_of(error) == status
        assert wording.format(card=source, group="group-seniors") in error.value.response.text

    def test_a_card_is_unlinked(self, server: SandboxServer, client: Client, source: str) -> None:
        client.link_concession_group_funding_source("group-seniors", source)
        assert unlink(client, "group-seniors", source) is True
        assert list(client.get_concession_group_linked_funding_sources("group-seniors")) == []

    def test_unknown_cards_groups_and_links_are_not_found(self, client: Client, source: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: client.link_concession_group_funding_source("group-seniors", "nobody"),
            lambda: client.link_concession_group_funding_source("nowhere", source),
            lambda: client.update_concession_group_funding_source_expiry("group-seniors", source, EXPIRY),
            lambda: unlink(client, "group-seniors", source),
        ]
        for call in calls:
            with pytest.raises(requests.HTTPError) as error:
                call()
            assert status_of(error) == 404


CALLS: dict[str, Callable[[Client], object]] = {
    "tokenization": lambda client: client.request_card_tokenization_access(),
    "lookup": lambda client: client.get_funding_source_by_token("card-1"),
    "groups": lambda client: list(client.get_funding_source_linked_concession_groups("source")),
    "concession_groups": lambda client: list(client.get_concession_groups()),
    "group_members": lambda client: list(client.get_concession_group_linked_funding_sources("group-seniors")),
    "link": lambda client: client.link_concession_group_funding_source("group-seniors", "source"),
    "expiry": lambda client: client.update_concession_group_funding_source_expiry("group-seniors", "source", EXPIRY),
    "unlink": lambda client: unlink(client, "group-seniors", "source"),
}


class TestOnDemand:
    def test_an_api_that_fails_fails_the_token_with_its_status(
        self, server: SandboxServer, unauthorized: Client
    ) -> None:
        server.faults.set("authorization", Fault(kind="status", status=503))
        with pytest.raises(requests.HTTPError) as error:
            _ = unauthorized.token
        assert error.value.response.status_code == 503

    @pytest.mark.parametrize("endpoint", CALLS)
    def test_an_endpoint_that_fails_fails_its_own_call_with_its_status(
        self, server: SandboxServer, client: Client, endpoint: str
    ) -> None:
        server.faults.set(endpoint, Fault(kind="status", status=503))
        with pytest.raises(requests.HTTPError) as error:
            CALLS[endpoint](client)
        assert error.value.response.status_code == 503


def test_no_reply_has_a_field_that_the_client_does_not_know(
    server: SandboxServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The client logs an unknown field in a reply, and breaks on an unknown field in a list item."""
    caplog.set_level(logging.INFO, "littlepay")
    source = server.state.add_card("card-1")
    server.state.link(source, "group-seniors", EXPIRY)
    assert client.get_funding_source_by_token("card-1").id == source
    assert len(list(client.get_concession_groups())) == 3
    assert len(list(client.get_funding_source_linked_concession_groups(source))) == 1
    assert len(list(client.get_concession_group_linked_funding_sources("group-seniors"))) == 1
    assert [record.getMessage() for record in caplog.records if record.name.startswith("littlepay")] == []


def test_a_group_has_the_product_that_its_riders_pay_less_by(server: SandboxServer, client: Client) -> None:
    [product] = client.get_concession_group_products("group-seniors")
    assert product.status == "ACTIVE"
    server.state.set_product("group-seniors", None)
    assert list(client.get_concession_group_products("group-seniors")) == []


@pytest.mark.parametrize("what", ["create a group", "remove a group", "migrate a group", "products"])
def test_what_the_sandbox_does_not_have_is_not_found(server: SandboxServer, client: Client, what: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "create a group": lambda: client.create_concession_group("Students"),
        "remove a group": lambda: client.remove_concession_group("group-seniors"),
        "migrate a group": lambda: client.migrate_concession_group("group-seniors"),
        "products": lambda: list(client.get_products()),
    }
    with pytest.raises(requests.HTTPError) as error:
        calls[what]()
    assert status_of(error) == 404
    assert server.calls["unknown"] == 1


class TestCommand:
    """The command that comes with the client, for people who manage groups."""

    @pytest.fixture
    def configured(self, server: SandboxServer, tmp_path: Path) -> Path:
        state = server.state
        account = {"client_id": state.client_id, "client_secret": state.client_secret, "audience": state.audience}
        config = {
            "active": {"env": "qa", "participant": "sandbox"},
            "envs": {"qa": {"url": server.url, "version": state.version}},
            "participants": {"sandbox": {"qa": account}},
        }
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        return tmp_path

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "littlepay.main", *arguments],
            env={**os.environ, "LP_CONFIG_DIR": str(folder), "PYTHONIOENCODING": "utf-8", "NO_PROXY": "*"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def test_it_keeps_its_token_and_lists_every_group_with_its_cards(
        self, server: SandboxServer, configured: Path, source: str
    ) -> None:
        server.state.link(source, "group-veterans", EXPIRY)
        assert "Token expires" in self.run(configured, "config").stdout
        listed = self.run(configured, "groups", "funding_sources")
        assert listed.returncode == 0, listed.stderr
        assert "Matching groups (3)" in listed.stdout
        assert listed.stdout.count("GroupFundingSourceResponse(") == 1
        assert f"id='{source}'" in listed.stdout
        assert server.calls == {"authorization": 1, "concession_groups": 1, "group_members": 3}

    def test_it_does_not_call_an_account_active_whose_secret_is_wrong(
        self, server: SandboxServer, configured: Path
    ) -> None:
        server.state.client_secret = "rotated"
        done = self.run(configured, "config")
        assert (done.returncode, done.stdout.count("Active")) == (1, 0)
        assert "invalid_client" in done.stderr
