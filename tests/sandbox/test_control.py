from __future__ import annotations

from typing import Any

import pytest
import requests

from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer

from .conftest import Api


class Control:
    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/sandbox/{path}", timeout=5, **kwargs)


@pytest.fixture(params=["url", "control_url"])
def control(server: SandboxServer, request: pytest.FixtureRequest) -> Control:
    return Control(getattr(server, request.param))


class TestFaults:
    def test_faults_are_set_while_it_runs(self, control: Control, api: Api) -> None:
        fault = {"kind": "status", "status": 503, "body": "later", "times": 1}
        assert control("POST", "faults", json={"concession_groups": fault}).status_code == 204
        assert [api("GET", "concession_groups").status_code for _ in range(2)] == [503, 200]

    def test_several_faults_follow_one_another(self, control: Control, api: Api) -> None:
        faults = [{"kind": "status", "status": status, "times": 1} for status in (500, 502)]
        control("POST", "faults", json={"*": faults})
        assert [api("GET", "concession_groups").status_code for _ in range(3)] == [500, 502, 200]

    def test_faults_are_lifted_together_or_by_endpoint(self, control: Control, server: SandboxServer) -> None:
        control("POST", "faults", json={name: {"kind": "empty"} for name in ("link", "lookup", "groups")})
        assert control("DELETE", "faults?endpoint=link").status_code == 204
        assert sorted(server.faults.as_json()) == ["groups", "lookup"]
        control("DELETE", "faults")
        assert server.faults.as_json() == {}

    @pytest.mark.parametrize(
        "faults",
        [
            {"lnik": {"kind": "empty"}},
            {"link": {"kind": "explode"}},
            {"link": {}},
            {"link": {"kind": "empty", "tmies": 1}},
            {"link": {"kind": "status", "status": "503"}},
            {"link": {"kind": "status", "times": True}},
            {"link": {"kind": "down"}},
            {"link": "hang"},
            ["link"],
        ],
    )
    def test_what_makes_no_sense_is_refused_and_changes_nothing(
        self, control: Control, server: SandboxServer, faults: object
    ) -> None:
        response = control("POST", "faults", json=faults)
        assert response.status_code == 400
        assert response.json()["error"]
        assert server.faults.as_json() == {}

    def test_a_body_that_is_no_json_is_refused(self, control: Control) -> None:
        assert control("POST", "faults", data=b"{").status_code == 400

    def test_going_down_is_answered_and_ended_at_the_control_url(
        self, control: Control, server: SandboxServer, api: Api
    ) -> None:
        assert control("POST", "faults", json={"*": {"kind": "down"}}).status_code == 204
        with pytest.raises(requests.ConnectionError):
            api("GET", "concession_groups")
        assert Control(server.control_url)("DELETE", "faults").status_code == 204
        assert api("GET", "concession_groups").status_code == 200


class TestState:
    def test_it_tells_calls_connections_faults_and_groups(
        self, control: Control, server: SandboxServer, api: Api, source: str
    ) -> None:
        api.link(source)
        control("POST", "faults", json={"lookup": {"kind": "hang", "times": 3}})
        assert control("GET", "state").json() == {
            "calls": {"link": 1},
            "connections": 1,
            "faults": {"lookup": [{"kind": "hang", "left": 3}]},
            "cards": 1,
            "groups": {
                "group-seniors": {"label": "Older adults", "members": 1},
                "group-veterans": {"label": "Veterans", "members": 0},
                "group-low-income": {"label": "People with low incomes", "members": 0},
            },
            "url": server.url,
            "control_url": server.control_url,
        }

    def test_steering_is_neither_counted_nor_struck(self, control: Control, server: SandboxServer) -> None:
        control("POST", "faults", json={"*": {"kind": "reset"}})
        assert control("GET", "state").json()["calls"] == {}
        assert server.connections == 0

    def test_cards_are_added(self, control: Control, api: Api) -> None:
        response = control("POST", "cards", json={"token": "card-9", "scheme": "amex", "category": None})
        assert response.status_code == 201
        assert api("GET", "fundingsources/bytoken/card-9").json()["id"] == response.json()["id"]

    def test_groups_are_added_with_members(self, control: Control, server: SandboxServer) -> None:
        assert control("POST", "groups", json={"id": "group-new", "members": 12}).status_code == 201
        assert len(server.state.groups["group-new"].links) == 12

    def test_a_groups_product_is_active_until_it_is_told_otherwise(self, control: Control, api: Api) -> None:
        def statuses() -> list[str]:
            listed = api("GET", "concession_groups/group-seniors/products").json()["list"]
            return [api("GET", f"products/{item['id']}").json()["status"] for item in listed]

        assert statuses() == ["ACTIVE"]
        control("POST", "products", json={"group": "group-seniors", "status": "INACTIVE"})
        assert statuses() == ["INACTIVE"]
        control("POST", "products", json={"group": "group-seniors", "status": None})
        assert statuses() == []
        assert api("GET", "products/product-of-nobody").status_code == 404

    def test_links_are_made_with_what_they_need(self, control: Control, api: Api) -> None:
        link = {"card_token": "card-9", "group": "group-new", "expiry": "2027-01-31T08:00:00Z"}
        source = control("POST", "links", json=link).json()["id"]
        (item,) = api("GET", f"fundingsources/{source}/concession_groups").json()["list"]
        assert (item["group_id"], item["expiry_date"]) == ("group-new", "2027-01-31T08:00:00Z")
        assert control("POST", "links", json=link).status_code == 409

    def test_a_link_without_an_expiry_is_made_too(self, control: Control, server: SandboxServer, source: str) -> None:
        response = control("POST", "links", json={"card_token": "card-1", "group": "group-seniors"})
        assert response.json() == {"id": source}
        assert server.state.existing_link(source, "group-seniors").expiry is None

    @pytest.mark.parametrize("path", ["cards", "groups", "links", "products"])
    def test_what_is_missing_is_named(self, control: Control, path: str) -> None:
        response = control("POST", path, json={})
        assert response.status_code == 400
        assert response.json()["error"].endswith("is missing")

    def test_tokens_are_revoked(self, control: Control, api: Api) -> None:
        assert control("POST", "revoke").status_code == 204
        assert api("GET", "concession_groups").status_code == 401

    def test_reset_is_a_fresh_start(self, control: Control, server: SandboxServer, api: Api, source: str) -> None:
        api.link(source)
        control("POST", "faults", json={"*": {"kind": "hang"}})
        assert control("POST", "reset").status_code == 204
        state = control("GET", "state").json()
        assert (state["calls"], state["connections"], state["faults"], state["cards"]) == ({}, 0, {}, 0)
        assert api("GET", "concession_groups").status_code == 401

    def test_what_is_not_there_is_not_found(self, control: Control) -> None:
        assert control("GET", "nothing").status_code == 404
        assert control("GET", "state/more").status_code == 404


class TestBrowsers:
    @pytest.mark.parametrize("origin", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
    def test_pages_of_this_machine_may_steer_it(self, control: Control, origin: str) -> None:
        preflight = control("OPTIONS", "faults", headers={"Origin": origin})
        assert preflight.status_code == 204
        assert "DELETE" in preflight.headers["Access-Control-Allow-Methods"]
        response = control("DELETE", "faults", headers={"Origin": origin})
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (204, origin)

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
    def test_other_pages_may_not(self, control: Control, origin: str) -> None:
        response = control("POST", "reset", headers={"Origin": origin})
        assert response.status_code == 403
        assert "Access-Control-Allow-Origin" not in response.headers

    def test_other_pages_may_where_other_machines_may(self) -> None:
        with SandboxServer(allow_remote=True) as server:
            response = Control(server.url)("GET", "state", headers={"Origin": "http://192.0.2.7:8000"})
        assert response.headers["Access-Control-Allow-Origin"] == "http://192.0.2.7:8000"


class TestGroupsToStartWith:
    def test_they_are_there_again_after_a_reset(self) -> None:
        with SandboxServer(Littlepay({"group-mine": "Mine"})) as server:
            control = Control(server.control_url)
            control("POST", "groups", json={"id": "group-more"})
            control("POST", "reset")
            assert control("GET", "state").json()["groups"] == {"group-mine": {"label": "Mine", "members": 0}}
