"""Every Switchio endpoint × every fault: the table's outcome, reported once, without any secret."""

from __future__ import annotations

import pytest

from enrollment_errors.sandbox.faults import Fault
from tests.rider import patience_with
from tests.test_every_fault import FAULTS, SERVER, SUCCESS, SYSTEM, UNKNOWN

pytestmark = pytest.mark.ci_only

ENDPOINTS = ("tokenization", "registration", "groups", "link")


def expected(endpoint: str, name: str) -> str:
    if name == "delay":
        return SUCCESS
    if name.startswith("status"):
        status = int(name.split()[1])
        if endpoint == "link" and status in (502, 504):
            return UNKNOWN  # the server behind the gateway may still be at work on it
        return SYSTEM if status >= 500 else SERVER
    if endpoint == "link":
        if name in ("hang", "reset", "cut", "not_json"):
            return UNKNOWN
        # Any words acknowledge a link, or none. A trickle is too slow to wait for, but we find the link when we ask.
        return SERVER if name == "redirect" else SUCCESS
    return SYSTEM if name in ("hang", "reset", "cut", "trickle") else SERVER


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_fault_ends_as_the_table_says_and_is_told_once(switchio, site, visitor, telemetry, endpoint, name):
    site(**patience_with(FAULTS[name]))
    # We ask about the card before the link. Asking after the link is not tested here.
    switchio.faults.set(endpoint, FAULTS[name])

    answer = visitor.visits()
    is_over = "/gateway/" not in answer
    end = visitor.goes_to(answer) if is_over else visitor.comes_back(answer, card="visa")

    assert end.page == expected(endpoint, name)
    assert end.status == {SYSTEM: 503, SERVER: 500, SUCCESS: 200, UNKNOWN: 200}[end.page]
    assert is_over == (endpoint == "tokenization" and end.page != SUCCESS)
    telemetry.settle(amplitude=1)
    assert len(telemetry.sentry) == (0 if end.page == SUCCESS else 1)
    [event] = telemetry.amplitude
    assert event["event_type"] == ("failed pre-tokenization request" if is_over else "returned enrollment")
    [record] = telemetry.records
    references = {event["event_properties"]["reference"], record.reference}
    if end.page != SUCCESS:
        references |= {end.reference, telemetry.sentry[0]["tags"]["enrollment.reference"]}
    assert len(references) == 1
    assert_nothing_secret_was_told(switchio, telemetry)


@pytest.mark.parametrize("way", ["cancel", "leave", "expire", "delete"])
def test_a_visit_without_a_card_tells_nothing_secret_either(switchio, visitor, telemetry, way):
    visitor.comes_back(visitor.visits(), way=way)
    telemetry.settle(amplitude=1)
    assert telemetry.sentry == []
    assert_nothing_secret_was_told(switchio, telemetry)


def test_an_account_whose_certificate_is_refused_tells_no_line_of_its_key(switchio, switchio_site, visitor, telemetry):
    options = {**switchio.account()["OPTIONS"], "CLIENT_CERTIFICATE": "-----BEGIN CERTIFICATE-----\nAA=="}
    switchio_site(ACCOUNTS={"switchio": {**switchio.account(), "OPTIONS": options}})
    assert visitor.opens_the_page().page == SERVER
    telemetry.settle(amplitude=1)
    assert_nothing_secret_was_told(switchio, telemetry)


def test_a_server_that_hangs_up_at_the_handshake_tells_nothing_secret(switchio, visitor, telemetry):
    gateway = visitor.visits()
    switchio.faults.set("*", Fault(kind="down"))
    assert visitor.comes_back(gateway, card="visa").page == SYSTEM
    telemetry.settle(amplitude=1)
    assert_nothing_secret_was_told(switchio, telemetry)


def assert_nothing_secret_was_told(switchio, telemetry):
    state, told = switchio.state, telemetry.everything()
    secrets = [state.api_key, state.api_secret, state.authorization, *state.registrations, *state.cards]
    secrets += [line for line in switchio.service.client.private_key.splitlines() if "-----" not in line]
    assert secrets
    assert [secret for secret in secrets if secret in told] == []
