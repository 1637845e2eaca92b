from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.waiting import wait_until

from .conftest import Api

HERE = "concession_groups"
LINKS = "concession_groups/group-seniors/fundingsources"


def members(server: SandboxServer) -> int:
    return len(server.state.groups["group-seniors"].links)


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def _is_up(api: Api) -> bool:
    try:
        return api("GET", HERE).status_code == 200
    except requests.ConnectionError:
        return False


CALLS: dict[str, Callable[[Api, str], requests.Response]] = {
    "authorization": lambda api, source: api.authorize(),
    "tokenization": lambda api, source: api(
        "POST", "cardtokenisation/requestaccess", json={"request_access": "CARD_TOKENISATION"}
    ),
    "lookup": lambda api, source: api("GET", "fundingsources/bytoken/card-1"),
    "groups": lambda api, source: api("GET", f"fundingsources/{source}/concession_groups"),
    "concession_groups": lambda api, source: api("GET", "concession_groups"),
    "group_members": lambda api, source: api("GET", LINKS),
    "group_products": lambda api, source: api("GET", "concession_groups/group-seniors/products"),
    "product": lambda api, source: api("GET", "products/product-group-seniors"),
    "link": lambda api, source: api.link(source),
    "expiry": lambda api, source: api("PUT", f"{LINKS}/{source}", json={"expiry": "2028-01-01T00:00:00Z"}),
    "unlink": lambda api, source: api("DELETE", f"{LINKS}/{source}"),
    "card_form_script": lambda api, source: api.session.get(f"{api.server.url}/assets/js/littlepay.min.js", timeout=5),
    "unknown": lambda api, source: api("GET", "nowhere"),
}


class TestKinds:
    def test_status_has_any_body_type_and_headers(self, server: SandboxServer, api: Api) -> None:
        fault = Fault(
            kind="status",
            status=503,
            body="<h1>Busy – wait</h1>",
            content_type="text/html; charset=utf-8",
            headers={"Retry-After": "7"},
        )
        server.faults.set(HERE, fault)
        response = api("GET", HERE)
        assert (response.status_code, response.text) == (503, "<h1>Busy – wait</h1>")
        assert (response.headers["Content-Type"], response.headers["Retry-After"]) == ("text/html; charset=utf-8", "7")

    def test_status_without_a_body_is_read_as_such(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="status", status=204, body="ignored", times=1))
        assert api("GET", HERE).content == b""
        assert api("GET", HERE).json()["total_count"] == 3

    def test_delay_is_followed_by_the_right_answer(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="delay", seconds=0.2))
        responses = []
        assert 0.2 <= seconds_of(lambda: responses.append(api("GET", HERE)))
        assert responses[0].json()["total_count"] == 3

    def test_delay_ends_with_a_client_that_has_gone(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="delay", seconds=60))
        threads = threading.active_count()
        with pytest.raises(requests.ReadTimeout):
            api("GET", HERE, timeout=0.2)
        wait_until(lambda: threading.active_count() <= threads)

    def test_hang_never_answers(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="hang"))
        with pytest.raises(requests.ReadTimeout):
            api("GET", HERE, timeout=0.2)

    def test_reset_is_a_reset(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="reset"))
        with pytest.raises(requests.ConnectionError) as caught:
            api("GET", HERE)
        assert "ConnectionResetError" in repr(caught.value)

    def test_cut_ends_in_the_middle_of_the_body(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="cut"))
        with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
            api("GET", HERE)
        assert "IncompleteRead" in repr(caught.value)

    def test_not_json_is_a_gateways_page_with_200(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="not_json"))
        response = api("GET", HERE)
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.startswith("<!DOCTYPE html>")

    def test_empty_is_200_and_nothing(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="empty"))
        response = api("GET", HERE)
        assert (response.status_code, response.content) == (200, b"")

    def test_missing_fields_is_an_empty_object(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="missing_fields"))
        response = api("GET", HERE)
        assert (response.status_code, response.json()) == (200, {})

    def test_missing_fields_can_be_named_and_are_missing_in_lists_too(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="missing_fields", fields=("id", "total_count")))
        reply = api("GET", HERE).json()
        assert list(reply) == ["list"]
        assert list(reply["list"][0]) == ["label", "participant_id"]

    def test_trickle_sends_byte_after_byte_and_all_of_them(self, server: SandboxServer, api: Api) -> None:
        server.faults.set("lookup", Fault(kind="trickle", seconds=0.004))
        response = []
        # Each byte restarts the read timeout, so a timeout far shorter than the whole answer does not end it.
        assert seconds_of(lambda: response.append(api("GET", "fundingsources/bytoken/nobody", timeout=0.5))) > 0.5
        assert response[0].json() == {"errors": [{"detail": "Funding source not found for this token"}]}

    def test_trickle_starts_with_the_headers(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="trickle"))
        with pytest.raises(requests.ReadTimeout):
            api("GET", HERE, timeout=0.2)

    def test_down_refuses_connections_until_it_is_lifted_at_the_same_port(
        self, server: SandboxServer, api: Api
    ) -> None:
        url = server.url
        assert api("GET", HERE).status_code == 200
        server.faults.set("*", Fault(kind="down"))
        for _ in range(2):
            with pytest.raises(requests.ConnectionError) as caught:
                api("GET", HERE)
            assert "Connection refused" in repr(caught.value)
        server.faults.clear()
        assert server.url == url
        assert api("GET", HERE).status_code == 200

    def test_down_for_a_while_ends_by_itself(self, server: SandboxServer, api: Api) -> None:
        server.faults.set("*", Fault(kind="down", seconds=0.5))
        with pytest.raises(requests.ConnectionError):
            api("GET", HERE)
        wait_until(lambda: _is_up(api))
        assert not server.faults.as_json()

    def test_down_ends_the_calls_that_are_under_way(self, server: SandboxServer, api: Api) -> None:
        server.faults.set("*", Fault(kind="hang"))
        going_down = threading.Timer(0.1, lambda: server.faults.set("*", Fault(kind="down")))
        going_down.start()
        with pytest.raises(requests.ConnectionError):
            api("GET", HERE, timeout=5)
        going_down.join()


class TestWhere:
    @pytest.mark.parametrize("endpoint", CALLS)
    def test_a_fault_strikes_its_endpoint_alone(
        self, server: SandboxServer, api: Api, source: str, endpoint: str
    ) -> None:
        server.faults.set(endpoint, Fault(kind="status", status=599))
        statuses = {name: call(api, source).status_code for name, call in CALLS.items()}
        assert [name for name, status in statuses.items() if status == 599] == [endpoint]
        assert server.calls == dict.fromkeys(server.endpoints, 1)

    @pytest.mark.parametrize("endpoint", CALLS)
    def test_a_fault_everywhere_strikes_every_endpoint(
        self, server: SandboxServer, api: Api, source: str, endpoint: str
    ) -> None:
        server.faults.set("*", Fault(kind="status", status=599))
        assert CALLS[endpoint](api, source).status_code == 599

    def test_an_endpoints_own_fault_goes_before(self, server: SandboxServer, api: Api) -> None:
        server.faults.set("*", Fault(kind="status", status=599))
        server.faults.set(HERE, Fault(kind="status", status=598))
        assert api("GET", HERE).status_code == 598
        server.faults.clear(HERE)
        assert api("GET", HERE).status_code == 599


class TestWhen:
    def test_a_fault_ends_after_its_times(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="status", status=503, times=2))
        assert [api("GET", HERE).status_code for _ in range(3)] == [503, 503, 200]

    def test_faults_follow_one_another(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(
            HERE,
            Fault(kind="status", status=500, times=1),
            Fault(kind="status", status=401, times=1),
            Fault(kind="empty"),
        )
        assert [api("GET", HERE).status_code for _ in range(4)] == [500, 401, 200, 200]

    def test_chance_can_be_repeated(self, server: SandboxServer, api: Api) -> None:
        server.faults.set(HERE, Fault(kind="status", status=503, probability=0.5))

        def run() -> list[int]:
            server.faults.seed(7)
            return [api("GET", HERE).status_code for _ in range(30)]

        first = run()
        assert set(first) == {200, 503}
        assert run() == first

    @pytest.mark.parametrize("kind", ["status", "reset", "cut", "empty", "not_json", "hang"])
    @pytest.mark.parametrize("after_effect", [True, False])
    def test_the_work_is_done_before_a_failure_only_where_that_is_asked_for(
        self, server: SandboxServer, api: Api, source: str, kind: str, after_effect: bool
    ) -> None:
        server.faults.set("link", Fault(kind=kind, after_effect=after_effect))
        with suppress(requests.RequestException):
            api("POST", LINKS, timeout=0.3, json={"id": source})
        if after_effect:
            wait_until(lambda: members(server) == 1)
        assert members(server) == after_effect


class TestNonsense:
    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "explode"},
            {"kind": "delay"},
            {"kind": "delay", "seconds": -1},
            {"kind": "status", "status": 99},
            {"kind": "status", "probability": 2},
            {"kind": "down", "times": 1},
        ],
    )
    def test_a_fault_that_makes_no_sense_is_refused(self, fault: dict[str, Any]) -> None:
        with pytest.raises(ValueError):
            Fault(**fault)

    def test_an_endpoint_that_is_not_there_is_refused(self, server: SandboxServer) -> None:
        with pytest.raises(ValueError, match='no endpoint "lnik"'):
            server.faults.set("lnik", Fault(kind="empty"))

    def test_one_endpoint_alone_cannot_be_down(self, server: SandboxServer) -> None:
        with pytest.raises(ValueError, match="down"):
            server.faults.set("link", Fault(kind="down"))
