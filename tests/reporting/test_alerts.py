"""A cause makes one alert when it begins, at most one an hour, and one when it ends, however many riders it hits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sentry_sdk
import time_machine
from django.core.cache import cache
from django.utils.timezone import now

from enrollment_errors.account_directory import account_broke, account_mended, get_account
from enrollment_errors.catalogue import CODES
from enrollment_errors.exceptions import AccountUnusable
from enrollment_errors.opening import circuit_state
from enrollment_errors.outcomes import Outcome
from enrollment_errors.processors.account import Account
from enrollment_errors.reporting import alerts, causes
from enrollment_errors.reporting.causes import MOST
from enrollment_errors.reporting.sentry import SentrySink
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink
from enrollment_errors.transport.circuit import Phase
from tests.rider import Rider, Telemetry
from tests.transport.brittle_cache import BrittleCache
from tests.waiting import wait_until

from .reports import new_report, new_success


def phase() -> Phase:
    return circuit_state(get_account("littlepay")).phase


@pytest.fixture
def outage(sandbox: SandboxServer, site: Any) -> None:
    """Every call fails, and the third rider opens the circuit."""
    site(BREAKER_FAILURES=3, BREAKER_OPEN=300, ATTEMPTS=1)
    sandbox.faults.set("tokenization", Fault(kind="status", status=503))


@pytest.fixture
def short_outage(outage: None, site: Any) -> None:
    site(BREAKER_OPEN=0.2)


def riders_ask(number: int) -> None:
    """One after another. All of them opened the page before the outage."""
    riders = [Rider().becomes_eligible() for _ in range(number)]
    for rider in riders:
        rider.opens_the_page()
    for rider in riders:
        rider.posts_as_the_script("/enrollment/token/", {})


def messages(telemetry: Telemetry) -> list[dict[str, Any]]:
    return [event for event in telemetry.sentry if "exception" not in event]


def subjects(telemetry: Telemetry) -> list[str]:
    sentry_sdk.flush(timeout=5)
    return [event["message"].partition("\n")[0] for event in messages(telemetry)]


def test_of_ten_riders_sentry_hears_the_first(outage: None, telemetry: Telemetry) -> None:
    riders_ask(10)
    telemetry.settle(amplitude=10)

    [first] = telemetry.sentry
    assert first["tags"]["enrollment.code"] == "processor_error"
    assert first["level"] == "error"


def test_the_log_and_amplitude_still_hear_of_every_rider(outage: None, telemetry: Telemetry) -> None:
    riders_ask(10)
    telemetry.settle(amplitude=10)

    assert [event["event_properties"]["error"] for event in telemetry.amplitude].count("circuit_open") == 7
    assert [record.code for record in telemetry.records].count("circuit_open") == 7


def minutes_later(number: float) -> Any:
    return time_machine.travel(now() + timedelta(minutes=number), tick=True)


class TestACause:
    def test_is_told_again_after_an_hour_with_the_count(self, outage: None, telemetry: Telemetry) -> None:
        riders_ask(3)
        with minutes_later(61):
            riders_ask(1)
        sentry_sdk.flush(timeout=5)

        first, again = telemetry.sentry
        assert "failures_so_far" not in first["contexts"]["enrollment"]
        assert again["contexts"]["enrollment"]["failures_so_far"] == 4
        assert again["contexts"]["enrollment"]["riders_so_far"] == 4

    def test_is_over_with_a_success_and_says_how_long_and_how_many(
        self, outage: None, sandbox: SandboxServer, telemetry: Telemetry
    ) -> None:
        riders_ask(2)
        sandbox.faults.clear()
        with minutes_later(90):
            Rider().becomes_eligible().enrolls()
            Rider().becomes_eligible().enrolls()

        assert subjects(telemetry) == ["Enrollment with the account littlepay works again (processor_error)."]
        [over] = messages(telemetry)
        assert over["level"] == "info"
        assert over["message"].endswith("It lasted 1 h 30 min and affected 2 riders.")
        assert over["tags"]["type"] == "alert"

    def test_that_comes_and_goes_is_one(self, sandbox: SandboxServer, telemetry: Telemetry, site: Any) -> None:
        site(ATTEMPTS=1)
        for _ in range(3):
            sandbox.faults.set("lookup", Fault(kind="status", status=503, times=1))
            Rider().becomes_eligible().enrolls()
            Rider().becomes_eligible().enrolls()
        assert subjects(telemetry) == []

        with minutes_later(11):
            Rider().becomes_eligible().enrolls()

        assert [over.partition(" (")[0] for over in subjects(telemetry)] == [
            "Enrollment with the account littlepay works again"
        ]
        assert len(telemetry.sentry) == 2

    def test_that_begins_anew_after_its_end_is_told_at_once(
        self, outage: None, sandbox: SandboxServer, telemetry: Telemetry
    ) -> None:
        riders_ask(1)
        sandbox.faults.clear()
        with minutes_later(20):
            Rider().becomes_eligible().enrolls()
            sandbox.faults.set("lookup", Fault(kind="status", status=503))
            Rider().becomes_eligible().enrolls()
        sentry_sdk.flush(timeout=5)

        assert [event.get("level") for event in telemetry.sentry] == ["error", "info", "error"]

    def test_of_one_group_is_not_over_where_another_works(
        self, sandbox: SandboxServer, telemetry: Telemetry, site: Any
    ) -> None:
        site(ATTEMPTS=1)
        sandbox.faults.set("link", Fault(kind="status", status=404, times=1))
        Rider().becomes_eligible().enrolls()
        with minutes_later(20):
            Rider().becomes_eligible(group="group-veterans").enrolls()
        assert subjects(telemetry) == []

        with minutes_later(30):
            Rider().becomes_eligible().enrolls()

        assert subjects(telemetry) == [
            "Enrollment with the account littlepay, group group-seniors works again (request_refused)."
        ]

    def test_that_may_be_one_cards_own_ends_without_a_word(self, sandbox: SandboxServer, telemetry: Telemetry) -> None:
        sandbox.faults.set("lookup", Fault(kind="status", status=404, times=1))
        Rider().becomes_eligible().enrolls()
        with minutes_later(20):
            Rider().becomes_eligible().enrolls()

        assert subjects(telemetry) == []
        assert len(telemetry.sentry) == 1

    def test_is_told_once_by_each_process_while_the_cache_is_down(
        self, outage: None, telemetry: Telemetry, site: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(BrittleCache, "is_down", True)
        settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
        site(CACHE="broken")
        riders_ask(3)
        sentry_sdk.flush(timeout=5)

        assert len([event for event in telemetry.sentry if "exception" in event]) == 1

    def test_that_ends_while_the_cache_is_down_ends_without_a_word(
        self, telemetry: Telemetry, site: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(BrittleCache, "is_down", True)
        settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
        site(CACHE="broken")

        assert causes.succeeded(new_success()) == []

    def test_that_another_version_has_written_down_is_forgotten(self, outage: None, telemetry: Telemetry) -> None:
        cache.set("enrollment_errors.causes.littlepay", [{"code": "from the future"}])
        riders_ask(1)
        sentry_sdk.flush(timeout=5)

        assert len(telemetry.sentry) == 1


def test_a_weekend_makes_fewer_than_60_events(outage: None, sandbox: SandboxServer, telemetry: Telemetry) -> None:
    """48 hours with a rider every 15 minutes, then the first success."""
    riders = [Rider().becomes_eligible() for _ in range(4 * 48)]
    for rider in riders:
        rider.opens_the_page()
    friday = now()
    for number, rider in enumerate(riders):
        with time_machine.travel(friday + timedelta(minutes=15 * number), tick=True):
            rider.posts_as_the_script("/enrollment/token/", {})
    sandbox.faults.clear()
    with time_machine.travel(friday + timedelta(hours=48), tick=True):
        Rider().becomes_eligible().enrolls()
    sentry_sdk.flush(timeout=5)

    assert 30 < len(telemetry.sentry) < 60
    assert messages(telemetry)[-1]["message"].endswith("It lasted 48 h 0 min and affected 192 riders.")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(20, "less than a minute"), (31, "1 minute"), (150, "2 minutes"), (3570, "1 h 0 min"), (7500, "2 h 5 min")],
)
@pytest.mark.usefixtures("sandbox")
def test_says_how_long_it_lasted_as_a_person_would(seconds: float, text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "enrollment_errors")
    alerts.works("littlepay", "the account littlepay", "processor_error", lasted=seconds)
    assert caplog.messages == [
        f"Enrollment with the account littlepay works again (processor_error). It lasted {text} and affected no rider."
    ]


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


def test_an_account_that_breaks_and_is_mended_is_told_of_by_two_messages(
    sandbox: SandboxServer, telemetry: Telemetry, site: Any, settings: Any
) -> None:
    accounts = settings.ENROLLMENT_ERRORS["ACCOUNTS"]
    error = AccountUnusable('The account "littlepay" must be a dict.')
    for _ in range(2):
        account_broke.send(Account, account="littlepay", error=error)
    rider = Rider().becomes_eligible()
    site(ACCOUNTS={"littlepay": {**accounts["littlepay"], "OPTIONS": {}}})
    rider.asks_for_token()
    account_mended.send(Account, account="littlepay")
    account_mended.send(Account, account="littlepay")

    assert subjects(telemetry) == [
        "Riders of the account littlepay cannot enroll (account_unusable).",
        "The account littlepay can be used again.",
    ]
    assert len(telemetry.sentry) == 2


def test_more_causes_than_anybody_reads_are_not_kept(site: Any, telemetry: Telemetry) -> None:
    for status in range(400, 400 + MOST + 5):
        causes.failed(new_report(outcome=Outcome.SERVER_ERROR, code="request_refused", upstream_status=status))

    kept = causes.standing("littlepay-mountain")
    assert len(kept) == MOST
    assert kept[0].name == f"request_refused link {400 + MOST + 4}"


@pytest.mark.parametrize("code", [code for code, about in CODES.items() if about.is_reported])
def test_of_every_code_sentry_hears_what_the_catalogue_says(sentry: TelemetrySink, code: str) -> None:
    SentrySink().send(new_report(code=code, outcome=CODES[code].outcome))
    sentry_sdk.flush(timeout=5)

    assert bool(sentry.sentry_events) is CODES[code].is_sentry_event
