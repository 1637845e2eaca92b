from __future__ import annotations

import http.client
from contextlib import closing
from datetime import datetime, timezone
from urllib.parse import quote, urlsplit

import pytest
import requests

from enrollment_errors.sandbox.littlepay.state import LINK_CONFLICTS
from enrollment_errors.sandbox.server import SandboxServer

from .conftest import Api


def detail(response: requests.Response) -> str:
    (error,) = response.json()["errors"]
    return error["detail"]


class TestAuthorization:
    def test_the_right_credentials_get_a_token_that_works(self, api: Api) -> None:
        reply = api.authorize().json()
        assert (reply["token_type"], reply["expires_in"]) == ("Bearer", 3600)
        response = api("GET", "concession_groups", headers={"Authorization": reply["access_token"]})
        assert response.status_code == 200

    def test_each_call_issues_another_token(self, api: Api) -> None:
        assert api.authorize().json()["access_token"] != api.authorize().json()["access_token"]

    @pytest.mark.parametrize(
        ("changed", "status"),
        [("client_id", 401), ("client_secret", 401), ("audience", 403), ("grant_type", 400)],
    )
    def test_anything_wrong_is_refused_in_the_form_of_the_api_and_in_that_of_oauth(
        self, api: Api, changed: str, status: int
    ) -> None:
        response = api.authorize(**{changed: "wrong"})
        assert response.status_code == status
        assert response.json()["error"]
        assert response.json()["error_description"] == detail(response)

    @pytest.mark.parametrize("header", [None, "", "unknown-token", "Bearer {token}"])
    def test_every_other_call_needs_the_bare_token(self, api: Api, header: str | None) -> None:
        if header is not None:
            header = header.format(token=api.session.headers["Authorization"])
        response = api("GET", "concession_groups", headers={"Authorization": header})
        assert response.status_code == 401

    def test_a_token_ends_with_its_time(self, server: SandboxServer, api: Api) -> None:
        server.state.api_token_seconds = 0
        token = api.authorize().json()["access_token"]
        assert api("GET", "concession_groups", headers={"Authorization": token}).status_code == 401

    def test_a_revoked_token_is_refused_and_a_new_one_is_not(self, server: SandboxServer, api: Api) -> None:
        server.state.revoke_api_tokens()
        assert api("GET", "concession_groups").status_code == 401
        new = server.state.issue_api_token()
        assert api("GET", "concession_groups", headers={"Authorization": new}).status_code == 200


class TestTokenization:
    def test_access_is_a_token_for_the_card_form(self, server: SandboxServer, api: Api) -> None:
        reply = api("POST", "cardtokenisation/requestaccess", json={"request_access": "CARD_TOKENISATION"}).json()
        assert reply["expires_in"] == 1800
        assert server.state.accepts_form_token(reply["access_token"])

    def test_a_token_for_the_card_form_is_none_for_the_api(self, server: SandboxServer, api: Api) -> None:
        token = server.state.issue_form_token()
        assert api("GET", "concession_groups", headers={"Authorization": token}).status_code == 401

    def test_another_access_is_refused(self, api: Api) -> None:
        assert api("POST", "cardtokenisation/requestaccess", json={"request_access": "x"}).status_code == 400


class TestLookup:
    def test_a_card_token_gives_its_funding_source(self, server: SandboxServer, api: Api) -> None:
        source = server.state.add_card("card-2", scheme="mastercard", category="credit")
        reply = api("GET", "fundingsources/bytoken/card-2").json()
        assert (reply["id"], reply["card_scheme"], reply["card_category"]) == (source, "mastercard", "credit")

    def test_the_category_is_left_out_where_it_is_not_known(self, server: SandboxServer, api: Api) -> None:
        server.state.add_card("card-2", category=None)
        assert "card_category" not in api("GET", "fundingsources/bytoken/card-2").json()

    def test_an_unknown_card_token_is_not_found(self, api: Api) -> None:
        assert api("GET", "fundingsources/bytoken/nobody").status_code == 404

    @pytest.mark.parametrize("token", ["../../concession_groups", "a/b?c#d", "100%25", "ñ ß", "%2F"])
    def test_an_encoded_token_stays_one_segment_and_is_decoded_once(
        self, server: SandboxServer, api: Api, token: str
    ) -> None:
        source = server.state.add_card(token)
        encoded = quote(token, safe="")
        assert api("GET", f"fundingsources/bytoken/{encoded}").json()["id"] == source
        assert server.requests[-1].line == f"GET /api/v1/fundingsources/bytoken/{encoded} HTTP/1.1"


class TestGroups:
    def test_all_groups_are_listed(self, api: Api) -> None:
        reply = api("GET", "concession_groups").json()
        assert reply["total_count"] == 3
        assert reply["list"][0] == {"id": "group-seniors", "label": "Older adults", "participant_id": "sandbox"}

    def test_a_card_is_in_the_groups_that_it_was_linked_to(self, server: SandboxServer, api: Api, source: str) -> None:
        server.state.link(source, "group-veterans", datetime(2027, 1, 31, 8, tzinfo=timezone.utc))
        reply = api("GET", f"fundingsources/{source}/concession_groups").json()
        assert reply["total_count"] == 1
        (item,) = reply["list"]
        assert (item["group_id"], item["label"]) == ("group-veterans", "Veterans")
        assert item["expiry_date"] == "2027-01-31T08:00:00Z"

    def test_an_unknown_funding_source_has_no_groups_to_list(self, api: Api) -> None:
        assert api("GET", "fundingsources/nobody/concession_groups").status_code == 404

    def test_the_members_of_a_group_are_pages_of_at_most_100(self, server: SandboxServer, api: Api) -> None:
        server.state.fill_group("group-seniors", 250)
        pages = [
            api("GET", "concession_groups/group-seniors/fundingsources", params={"page": page, "per_page": 1000}).json()
            for page in (1, 2, 3, 4)
        ]
        assert [len(page["list"]) for page in pages] == [100, 100, 50, 0]
        assert {page["total_count"] for page in pages} == {250}
        assert len({item["id"] for page in pages for item in page["list"]}) == 250

    @pytest.mark.parametrize("query", [{"page": "0"}, {"per_page": "0"}, {"page": "first"}])
    def test_a_page_that_makes_no_sense_is_refused(self, api: Api, query: dict[str, str]) -> None:
        assert api("GET", "concession_groups", params=query).status_code == 400

    def test_the_members_of_an_unknown_group_are_not_found(self, api: Api) -> None:
        assert api("GET", "concession_groups/nowhere/fundingsources").status_code == 404


class TestLink:
    def test_a_card_is_linked_once(self, server: SandboxServer, api: Api, source: str) -> None:
        response = api.link(source)
        assert (response.status_code, response.content) == (201, b"")
        assert list(server.state.groups["group-seniors"].links) == [source]
        assert api.link(source).status_code == 409
        assert list(server.state.groups["group-seniors"].links) == [source]

    @pytest.mark.parametrize("conflict", LINK_CONFLICTS)
    def test_a_second_link_is_refused_in_the_words_that_were_chosen(
        self, server: SandboxServer, api: Api, source: str, conflict: str
    ) -> None:
        server.state.link_conflict = conflict
        api.link(source)
        response = api.link(source)
        status, wording = LINK_CONFLICTS[conflict]
        assert (response.status_code, detail(response)) == (
            status,
            wording.format(card=source, group="group-seniors"),
        )

    def test_an_expiry_is_kept(self, server: SandboxServer, api: Api, source: str) -> None:
        assert api.link(source, expiry="2027-01-31T08:00:00Z").status_code == 201
        link = server.state.existing_link(source, "group-seniors")
        assert link.expiry == datetime(2027, 1, 31, 8, tzinfo=timezone.utc)

    @pytest.mark.parametrize(
        "expiry",
        ["2027-01-31", "2027-01-31T08:00:00+00:00", "2027-01-31T08:00:00.5Z", "2027-02-31T08:00:00Z", "", None, 1],
    )
    def test_a_malformed_expiry_is_refused(self, server: SandboxServer, api: Api, source: str, expiry: object) -> None:
        assert api.link(source, expiry=expiry).status_code == 400
        assert not server.state.groups["group-seniors"].links

    def test_unknown_cards_and_groups_are_not_found(self, api: Api, source: str) -> None:
        assert api.link("nobody").status_code == 404
        assert api.link(source, group="nowhere").status_code == 404

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            (b"{", "application/json", 400),
            (b"[]", "application/json", 400),
            (b"{}", "application/json; charset=utf-8", 400),
            (b'{"id": 1}', "application/json", 400),
            (b"id=1", "application/x-www-form-urlencoded", 415),
        ],
    )
    def test_a_body_that_is_no_link_is_refused(self, api: Api, body: bytes, content_type: str, status: int) -> None:
        path = "concession_groups/group-seniors/fundingsources"
        assert api("POST", path, data=body, headers={"Content-Type": content_type}).status_code == status


class TestExistingLink:
    def test_the_expiry_changes(self, server: SandboxServer, api: Api, source: str) -> None:
        server.state.link(source, "group-seniors")
        path = f"concession_groups/group-seniors/fundingsources/{source}"
        assert api("PUT", path, json={"expiry": "2028-01-01T00:00:00Z"}).status_code == 200
        link = server.state.existing_link(source, "group-seniors")
        assert link.expiry == datetime(2028, 1, 1, tzinfo=timezone.utc)

    @pytest.mark.parametrize("body", [{}, {"expiry": None}])
    def test_the_expiry_cannot_be_cleared(self, server: SandboxServer, api: Api, source: str, body: dict) -> None:
        server.state.link(source, "group-seniors")
        path = f"concession_groups/group-seniors/fundingsources/{source}"
        assert api("PUT", path, json=body).status_code == 400

    def test_a_link_is_taken_away(self, server: SandboxServer, api: Api, source: str) -> None:
        server.state.link(source, "group-seniors")
        path = f"concession_groups/group-seniors/fundingsources/{source}"
        assert api("DELETE", path).status_code == 204
        assert not server.state.groups["group-seniors"].links
        assert api("DELETE", path).status_code == 404

    def test_the_expiry_of_no_link_is_not_found(self, api: Api, source: str) -> None:
        path = f"concession_groups/group-seniors/fundingsources/{source}"
        assert api("PUT", path, json={"expiry": "2028-01-01T00:00:00Z"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/v2/concession_groups"),
        ("PATCH", "/api/v1/concession_groups"),
        ("GET", "//api/v1/concession_groups"),
        ("GET", "/api/v1/fundingsources/bytoken/"),
    ],
)
def test_what_the_api_does_not_have_is_not_found(server: SandboxServer, api: Api, method: str, path: str) -> None:
    # Some versions of requests merge two slashes into one.
    with closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)) as connection:
        connection.request(method, path, headers={"Authorization": api.session.headers["Authorization"]})
        assert connection.getresponse().status == 404
    assert server.calls == {"unknown": 1}
