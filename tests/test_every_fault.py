"""Every processor endpoint × every fault: the table's outcome, reported once, without any secret."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from enrollment_errors.sandbox.faults import KINDS, Fault
from enrollment_errors.sandbox.littlepay.state import card_as_json
from tests.rider import CARD_TOKEN, Rider, patience_with

HTML = "<html><body>Gateway</body></html>"
CONFLICT = '{"errors": [{"detail": "Conflict (409) - Customer already belongs to a concession group."}]}'
STATUSES = (400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504)
FAULTS = {
    **{
        f"status {status}": Fault(kind="status", status=status, body=CONFLICT if status == 409 else HTML)
        for status in STATUSES
    },
    "redirect": Fault(kind="status", status=302, headers={"Location": "/elsewhere"}),
    "delay": Fault(kind="delay", seconds=0.1),
    "trickle": Fault(kind="trickle", seconds=0.1),
    **{kind: Fault(kind=kind) for kind in ("hang", "reset", "cut", "not_json", "empty", "missing_fields")},
}
ENDPOINTS = ("authorization", "tokenization", "lookup", "link", "groups", "expiry")

SYSTEM, SERVER, SUCCESS, UNKNOWN = "system_error", "server_error", "success", "still_checking"


def expected(endpoint: str, name: str) -> str:
    if name == "delay":
        return SUCCESS
    if endpoint == "groups":
        return UNKNOWN  # called only if the processor said that the card is in a group, and the benefit expires
    if name.startswith("status"):
        status = int(name.split()[1])
        if endpoint in ("link", "expiry") and status in (502, 504):
            return UNKNOWN  # the server behind the gateway may still be at work on it
        return SUCCESS if (endpoint, status) == ("link", 409) else SYSTEM if status >= 500 else SERVER
    if endpoint in ("link", "expiry") and name == "trickle":
        return SUCCESS  # the answer is too slow to wait for, but the work is done, and we find it when we ask
    if name in ("hang", "reset", "cut", "trickle"):
        return UNKNOWN if endpoint in ("link", "expiry") else SYSTEM
    if endpoint in ("link", "expiry") and name == "not_json":
        return UNKNOWN
    # To link a card or change an expiry, any 2xx answer will do, empty or JSON.
    if endpoint in ("link", "expiry") and name in ("empty", "missing_fields"):
        return SUCCESS
    return SERVER


def test_every_kind_of_fault_is_tried():
    assert set(KINDS) - {"down"} <= {fault.kind for fault in FAULTS.values()}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_fault_ends_as_the_table_says_and_is_told_once(sandbox, site, telemetry, endpoint, name):
    site(**patience_with(FAULTS[name]))
    rider = Rider().becomes_eligible(expires=endpoint in ("groups", "expiry"))
    if endpoint in ("groups", "expiry"):
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, "group-seniors", yesterday)
    sandbox.faults.set(endpoint, FAULTS[name])

    end = rider.walks()

    assert end.page == expected(endpoint, name)
    assert end.status == {SYSTEM: 503, SERVER: 500, SUCCESS: 200, UNKNOWN: 200}[end.page]
    telemetry.settle(amplitude=1)
    # A 409 in known words is a success. Operators still hear that the group does not list the card.
    is_odd = (endpoint, name) == ("link", "status 409")
    assert len(telemetry.sentry) == (0 if end.page == SUCCESS and not is_odd else 1)
    [event] = telemetry.amplitude
    before_the_card = endpoint in ("authorization", "tokenization") and end.page != SUCCESS
    assert event["event_type"] == ("failed pre-tokenization request" if before_the_card else "returned enrollment")
    [record] = telemetry.records
    references = {event["event_properties"]["reference"], record.reference}
    if end.page != SUCCESS:
        references |= {end.reference, telemetry.sentry[0]["tags"]["enrollment.reference"]}
    assert len(references) == 1
    assert_nothing_secret_was_told(sandbox, telemetry)


def test_a_processor_that_is_down_is_a_system_error(sandbox, telemetry):
    sandbox.faults.set("*", Fault(kind="down"))
    end = Rider().becomes_eligible().walks()
    assert (end.page, end.status) == (SYSTEM, 503)
    telemetry.settle(amplitude=1)
    assert len(telemetry.sentry) == 1
    assert telemetry.sentry[0]["tags"]["enrollment.reference"] == end.reference
    assert_nothing_secret_was_told(sandbox, telemetry)


def test_everyday_enrollment_tells_of_one_success_and_nothing_secret(sandbox, telemetry):
    assert Rider().becomes_eligible().walks().page == SUCCESS
    telemetry.settle(amplitude=1)
    assert telemetry.sentry == []
    assert telemetry.amplitude[0]["event_properties"]["status"] == "success"
    assert_nothing_secret_was_told(sandbox, telemetry)


def assert_nothing_secret_was_told(sandbox, telemetry):
    told = telemetry.everything()
    for secret in (
        CARD_TOKEN,
        sandbox.state.client_secret,
        *sandbox.state.api_tokens,
        *sandbox.state.form_tokens,
    ):
        assert secret not in told
    # Not as part of a longer number: any six digits may turn up in a duration.
    digits = card_as_json(sandbox.state.card(CARD_TOKEN))["card_first_digits"]
    assert re.search(rf"(?<![\d.]){digits}(?!\d)", told) is None
