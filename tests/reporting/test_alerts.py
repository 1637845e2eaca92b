"""An outage is one word when it begins and one when it ends, however many riders meet it."""

from __future__ import annotations

from typing import Any

import pytest
import sentry_sdk

from enrollment_errors.account_directory import get_account
from enrollment_errors.catalogue import CODES
from enrollment_errors.classification import Rule
from enrollment_errors.exceptions import CircuitOpen
from enrollment_errors.opening import circuit_state
from enrollment_errors.outcomes import Outcome
from enrollment_errors.reporting.sentry import SentrySink
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink
from enrollment_errors.transport.circuit import Phase
from tests.rider import Rider, Telemetry
from tests.waiting import wait_until

from .reports import new_report


def phase() -> Phase:
    return circuit_state(get_account("littlepay")).phase


@pytest.fixture
def outage(sandbox: SandboxServer, site: Any) -> None:
    """The third rider whose call fails opens the circuit."""
    site(BREAKER_FAILURES=3, BREAKER_OPEN=300, ATTEMPTS=1)
    sandbox.faults.set("tokenization", Fault(kind="status", status=503))


@pytest.fixture
def short_outage(outage: None, site: Any) -> None:
    site(BREAKER_OPEN=0.2)


def riders_ask(number: int) -> None:
    """One after the other; each has opened the page before the outage."""
    riders = [Rider().becomes_eligible() for _ in range(number)]
    for rider in riders:
        rider.opens_the_page()
    for rider in riders:
        rider.posts_as_the_script("/enrollment/token/", {})


def messages(telemetry: Telemetry) -> list[dict[str, Any]]:
    return [event for event in telemetry.sentry if "exception" not in event]


def test_sentry_hears_once_that_the_circuit_opened_and_of_no_rider_meanwhile(
    outage: None, telemetry: Telemetry
) -> None:
    riders_ask(10)
    telemetry.settle(amplitude=10)

    assert len(telemetry.sentry) == 4
    [opened] = messages(telemetry)
    assert opened["level"] == "error"
    assert opened["message"] == "The circuit of littlepay opened: calls to the processor stop, after StatusError."
    assert opened["tags"] == {
        "enrollment.account": "littlepay",
        "enrollment.circuit": "opened",
        "side": "backend",
        "type": "api_error",
    }
    assert opened["fingerprint"] == ["enrollment_errors", "circuit", "littlepay", "opened"]


def test_the_log_and_amplitude_still_hear_of_every_rider(outage: None, telemetry: Telemetry) -> None:
    riders_ask(10)
    telemetry.settle(amplitude=10)

    assert [event["event_properties"]["error"] for event in telemetry.amplitude].count("circuit_open") == 7
    assert [record.code for record in telemetry.records].count("circuit_open") == 7


def test_sentry_hears_once_that_it_closed(short_outage: None, sandbox: SandboxServer, telemetry: Telemetry) -> None:
    for _ in range(3):
        Rider().becomes_eligible().asks_for_token()
    sandbox.faults.clear()
    wait_until(lambda: phase() is Phase.HALF_OPEN, "the time of the next probe")
    for _ in range(3):
        assert Rider().becomes_eligible().asks_for_token().status_code == 200
    sentry_sdk.flush(timeout=5)

    _, closed = messages(telemetry)
    assert closed["level"] == "info"
    assert closed["message"].startswith("The circuit of littlepay closed: calls to the processor go on, after ")
    assert closed["tags"]["enrollment.circuit"] == "closed"


def test_the_log_has_both(short_outage: None, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "enrollment_errors")
    for _ in range(3):
        Rider().becomes_eligible().asks_for_token()
    sandbox.faults.clear()
    wait_until(lambda: phase() is Phase.HALF_OPEN, "the time of the next probe")
    Rider().becomes_eligible().asks_for_token()

    told = [(record.circuit, record.levelname) for record in caplog.records if hasattr(record, "circuit")]
    assert told == [("opened", "ERROR"), ("closed", "INFO")]


def test_without_sentry_nothing_is_sent(outage: None, sink: TelemetrySink) -> None:
    for _ in range(4):
        Rider().becomes_eligible().asks_for_token()

    assert not sink.calls


def test_a_site_that_gives_it_a_code_of_its_own_hears_of_every_rider(
    outage: None, site: Any, telemetry: Telemetry
) -> None:
    site(RULES=[Rule(exception=CircuitOpen, outcome=Outcome.SYSTEM_ERROR, code="down", reason="We want to know.")])
    riders_ask(6)
    telemetry.settle(amplitude=6)

    assert [event["tags"].get("enrollment.code") for event in telemetry.sentry].count("down") == 3


@pytest.mark.parametrize("code", [code for code, about in CODES.items() if about.is_reported])
def test_of_every_code_sentry_hears_what_the_catalogue_says(sentry: TelemetrySink, code: str) -> None:
    SentrySink().send(new_report(code=code, outcome=CODES[code].outcome))
    sentry_sdk.flush(timeout=5)

    assert bool(sentry.sentry_events) is CODES[code].is_sentry_event
