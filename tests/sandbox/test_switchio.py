"""Switchio's part of the sandbox, as seen by a client that knows only the documented requests."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.switchio import Switchio

TIMEOUT = 5


class Api:
    """Sends signed requests over TLS, with the certificate that the sandbox hands out."""

    def __init__(self, server: SandboxServer, folder: Path) -> None:
        self.server = server
        self.state = server.state
        options = server.account()["OPTIONS"]
        self.session = requests.Session()
        self.session.trust_env = False
        for name in ("CLIENT_CERTIFICATE", "PRIVATE_KEY", "CA_CERTIFICATE"):
            (folder / name).write_text(options[name])
        self.session.cert = (str(folder / "CLIENT_CERTIFICATE"), str(folder / "PRIVATE_KEY"))
        self.session.verify = str(folder / "CA_CERTIFICATE")

    def registration(self, method: str, path: str = "", body: Any = None, **changed: str) -> requests.Response:
        content = "" if body is None else json.dumps(body)
        path = f"/api/v1/registration{path}"
        timestamp = changed.pop("timestamp", str(int(time.time())))
        signed = f"{timestamp}{method}{path}{content}".encode()
        headers = {
            "STP-APIKEY": self.state.api_key,
            "STP-TIMESTAMP": timestamp,
            "STP-SIGNATURE": hmac.new(self.state.api_secret.encode(), signed, hashlib.sha256).hexdigest(),
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return self.session.request(method, self.server.url + path, data=content, headers=headers, timeout=TIMEOUT)

    def register(self, return_url: str = "https://site.example/?returned=1") -> dict[str, Any]:
        body = {"eshopRedirectUrl": return_url, "mode": "register", "eshopResponseMode": "query"}
        told: dict[str, Any] = self.registration("POST", body=body).json()
        return told

    def discount(self, method: str, path: str, *, pto: int = 42, **kwargs: Any) -> requests.Response:
        headers = {"Authorization": kwargs.pop("authorization", self.state.authorization)}
        url = f"{self.server.url}/api/external/discount/{f'{pto}/' if path != 'echo' else ''}{path}"
        return self.session.request(method, url, headers=headers, timeout=TIMEOUT, **kwargs)


@pytest.fixture
def api(switchio: SandboxServer, tmp_path: Path) -> Iterator[Api]:
    api = Api(switchio, tmp_path)
    with api.session:
        yield api


class TestTheServer:
    def test_talks_only_to_those_who_show_its_certificate(self, api: Api) -> None:
        api.session.cert = None
        with pytest.raises(requests.ConnectionError):
            api.discount("GET", "echo")
        assert api.server.calls["health"] == 0

    def test_knows_no_products(self, switchio: SandboxServer) -> None:
        body = {"group": "OLDER_ADULT", "status": None}
        response = requests.post(f"{switchio.control_url}/sandbox/products", json=body, timeout=TIMEOUT)

        assert (response.status_code, response.json()) == (400, {"error": "this processor knows no products"})

    def test_hands_out_all_that_a_site_needs(self, switchio: SandboxServer) -> None:
        told = requests.get(f"{switchio.control_url}/sandbox/account", timeout=TIMEOUT).json()
        assert told == {**switchio.account(), "ALLOWED_REDIRECT_HOSTS": switchio.service.redirect_hosts}
        assert urlsplit(switchio.control_url).netloc in told["ALLOWED_REDIRECT_HOSTS"]

    def test_wants_the_credentials_that_it_is_told_to_want(self, api: Api) -> None:
        url = f"{api.server.control_url}/sandbox/account"
        assert requests.post(url, json={"AUTHORIZATION": "Basic new"}, timeout=TIMEOUT).status_code == 204
        assert api.discount("GET", "echo", authorization="Basic c2FuZGJveA==").status_code == 401
        assert api.discount("GET", "echo", authorization="Basic new").status_code == 200


class TestTheTokenizationApi:
    def test_makes_a_visit_and_tells_where(self, api: Api) -> None:
        made = api.register()
        assert made["gtwUrl"] == f"{api.server.control_url}/gateway/{made['regId']}"
        told = api.registration("GET", f"/{made['regId']}").json()
        assert (told["regState"], told["mode"], told["tokens"]) == ("created", "register", [])
        assert "maskCln" not in told

    @pytest.mark.parametrize(
        "changed",
        [
            {"STP_APIKEY": "another"},
            {"STP_SIGNATURE": "0" * 64},
            {"timestamp": "1"},
            {"timestamp": "soon"},
        ],
    )
    def test_refuses_what_is_not_signed_for_now(self, api: Api, changed: dict[str, str]) -> None:
        assert api.registration("GET", "/registration-1", **changed).status_code == 401

    @pytest.mark.parametrize(
        "body",
        [
            [],
            {},
            {"mode": "register", "eshopResponseMode": "query"},
            {"mode": "steal", "eshopResponseMode": "query", "eshopRedirectUrl": "https://site.example"},
            {"mode": "register", "eshopResponseMode": "pigeon", "eshopRedirectUrl": "https://site.example"},
        ],
    )
    def test_refuses_what_makes_no_sense(self, api: Api, body: Any) -> None:
        assert api.registration("POST", body=body).status_code == 400

    def test_knows_no_other_visit_and_no_other_path(self, api: Api) -> None:
        assert api.registration("GET", "/registration-1").status_code == 404
        assert api.registration("GET", "/registration-1/more").status_code == 404
        assert api.server.calls["unknown"] == 1

    def test_lets_a_visit_expire(self, api: Api) -> None:
        made = api.register()
        api.state.registrations[made["regId"]].created -= 901
        assert api.registration("GET", f"/{made['regId']}").json()["regState"] == "expired"


class TestTheGateway:
    def visit(self, api: Api, **chosen: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """Returns the registration after the visit, and the query in the address that the rider returns to."""
        made = api.register()
        answer = requests.post(f"{made['gtwUrl']}?state=s", data=chosen, allow_redirects=False, timeout=TIMEOUT)
        assert answer.status_code == 303
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query.pop("returned") == ["1"]
        return api.registration("GET", f"/{made['regId']}").json(), query

    @pytest.mark.parametrize(
        ("chosen", "state", "query"),
        [
            ({"card": "visa"}, "tokenization_finished", {"state": ["s"]}),
            ({"card": "refused"}, "verification_failed", {"state": ["s"], "error": ["refused"]}),
            ({"card": "error"}, "tokenization_failed", {"state": ["s"], "error": ["failed"]}),
            ({"card": "visa", "way": "cancel"}, "created", {"state": ["s"], "error": ["canceled"]}),
            ({"card": "visa", "way": "leave"}, "created", {"state": ["s"]}),
            ({"way": "expire"}, "expired", {"state": ["s"]}),
            ({"way": "delete"}, "deleted", {"state": ["s"]}),
            ({"card": "nonsense"}, "created", {"state": ["s"]}),
        ],
    )
    def test_leads_back_with_the_end_that_was_chosen(
        self, api: Api, chosen: dict[str, str], state: str, query: dict[str, list[str]]
    ) -> None:
        told, way_back = self.visit(api, **chosen)
        assert (told["regState"], way_back) == (state, query)

    def test_gives_a_card_next_to_tokens_that_are_no_longer_good(self, api: Api) -> None:
        told, _ = self.visit(api, card="visa")
        assert [token["tokenState"] for token in told["tokens"]] == ["active", "active", "inactive"]
        assert told["maskCln"] == "476173******0119"

    def test_is_a_page_with_every_card_that_a_gateway_can_have(self, api: Api) -> None:
        page = requests.get(api.register()["gtwUrl"], timeout=TIMEOUT)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        for text in ("Visa debit, enrolls normally", "Card details refused", "Cancel", "Let the visit expire"):
            assert text in page.text

    def test_says_of_a_visit_that_is_over_or_never_was_that_it_is_so(self, api: Api) -> None:
        made = api.register()
        api.state.revoke()
        assert requests.get(made["gtwUrl"], timeout=TIMEOUT).status_code == 410
        for path in ("/gateway/another", "/gateway", "/gateway/a/b"):
            assert requests.get(api.server.control_url + path, timeout=TIMEOUT).status_code == 404

    def test_a_visit_that_has_come_to_an_end_stays_when_all_others_are_deleted(self, api: Api) -> None:
        made = api.register()
        api.server.service.finish_visit(f"{made['gtwUrl']}?state=s", card="visa")
        api.state.revoke()
        assert api.registration("GET", f"/{made['regId']}").json()["regState"] == "tokenization_finished"

    def test_comes_back_to_an_address_without_a_query_too(self, api: Api) -> None:
        made = api.register("https://site.example/")
        back = api.server.service.finish_visit(f"{made['gtwUrl']}?state=s", way="leave")
        assert back == "https://site.example/?state=s"


class TestTheEnrollmentApi:
    def test_puts_a_card_into_a_group_overwrites_and_takes_it_out(self, api: Api) -> None:
        api.state.add_card("card")
        for body in ({"group": "VETERAN", "expiresAt": "2027-01-31T08:00:00Z"}, {"group": "VETERAN"}):
            assert api.discount("POST", "token/card/add", json=body).text == "The discount was added."
            assert api.discount("GET", "token/card").json() == [
                {"group": "VETERAN", "expiresAt": body.get("expiresAt")}
            ]
        assert api.discount("POST", "token/card/remove", json={"group": "VETERAN"}).status_code == 200
        assert api.discount("GET", "token/card").json() == []

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"group": "STUDENT"}, 404),
            ({}, 400),
            ({"group": 7}, 400),
            ({"group": "VETERAN", "expiresAt": "soon"}, 400),
            ({"group": "VETERAN", "expiresAt": "2027-02-31T08:00:00Z"}, 400),
        ],
    )
    def test_refuses_what_makes_no_sense(self, api: Api, body: dict[str, Any], status: int) -> None:
        api.state.add_card("card")
        answer = api.discount("POST", "token/card/add", json=body)
        assert (answer.status_code, list(answer.json())) == (status, ["message"])

    def test_refuses_what_is_no_json(self, api: Api) -> None:
        assert api.discount("POST", "token/card/add", data="group").status_code == 400

    def test_wants_its_header_and_the_right_agency(self, api: Api) -> None:
        assert api.discount("GET", "groups", authorization="Basic wrong").status_code == 401
        assert api.discount("GET", "groups", pto=43).status_code == 403

    def test_lists_its_groups(self, api: Api) -> None:
        groups = api.discount("GET", "groups").json()
        assert {group["code"] for group in groups} == set(api.state.groups)
        assert {group["operatorId"] for group in groups} == {42}


def test_two_servers_can_be_the_two_hosts_of_one_processor(tmp_path: Path) -> None:
    service = Switchio()
    with SandboxServer(service) as one, SandboxServer(service) as other:
        other.faults.set("*", Fault(kind="down"))
        api = Api(one, tmp_path)
        with api.session:
            api.register()
        assert one.state is other.state
        assert len(other.state.registrations) == 1
