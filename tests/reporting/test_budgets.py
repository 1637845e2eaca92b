"""Neither one session nor all browsers together can fill up the operators' lists."""

from __future__ import annotations

from typing import Any

import pytest

from enrollment_errors import conf
from enrollment_errors.adapter import Identity
from enrollment_errors.incidents.buffer import on_demand
from enrollment_errors.incidents.models import DayCount, Incident
from enrollment_errors.outcomes import Outcome, Side
from enrollment_errors.reporting.budgets import PER_SESSION, Budgets
from enrollment_errors.reporting.dispatch import dispatch
from enrollment_errors.reporting.report import Report
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import Rider, Telemetry
from tests.transport.clocks import FakeClock

from .reports import new_origin, new_report, new_success


def of_session(number: int, **changes: Any) -> Report:
    identity = Identity(user_id=f"user-{number}", device_id=f"device-{number}", session_id=number)
    return new_report(origin=new_origin(identity=identity), **changes)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def budgets(clock: FakeClock) -> Budgets:
    return Budgets(clock)


def told(budgets: Budgets, *reports: Report, per_minute: int = 20) -> int:
    return sum(not budgets.weighed(report, per_minute=per_minute).counted_only for report in reports)


class TestABudget:
    def test_is_for_so_many_failures_a_minute(self, budgets: Budgets) -> None:
        assert told(budgets, *(of_session(number) for number in range(500))) == 20

    def test_is_new_after_a_minute(self, budgets: Budgets, clock: FakeClock) -> None:
        assert told(budgets, *(of_session(number) for number in range(30))) == 20
        clock.now += 59
        assert told(budgets, of_session(30)) == 0
        clock.now += 1
        assert told(budgets, *(of_session(number) for number in range(30))) == 20

    def test_of_browsers_leaves_the_back_ends_alone_and_the_other_way_round(self, budgets: Budgets) -> None:
        assert told(budgets, *(of_session(number, side=Side.FRONTEND) for number in range(500))) == 20
        assert told(budgets, *(of_session(number) for number in range(500))) == 20

    @pytest.mark.parametrize("side", Side)
    def test_of_one_session_is_a_small_one(self, budgets: Budgets, side: Side) -> None:
        assert told(budgets, *(of_session(1, side=side) for _ in range(300)), per_minute=60) == PER_SESSION
        assert told(budgets, of_session(2, side=side), per_minute=60) == 1

    def test_of_one_session_that_is_spent_takes_nothing_from_others(self, budgets: Budgets) -> None:
        assert told(budgets, *(of_session(1) for _ in range(300)), per_minute=PER_SESSION + 1) == PER_SESSION
        assert told(budgets, of_session(2), of_session(3), per_minute=PER_SESSION + 1) == 1

    def test_is_not_spent_by_successes(self, budgets: Budgets) -> None:
        assert told(budgets, *(new_success() for _ in range(300)), per_minute=1) == 300
        assert told(budgets, new_report(), per_minute=1) == 1

    def test_for_all_is_not_spent_by_what_is_no_outcome(self, budgets: Budgets) -> None:
        notes = [of_session(number, side=Side.FRONTEND, outcome=None) for number in range(300)]
        assert told(budgets, *notes, per_minute=1) == 300
        assert told(budgets, of_session(1, side=Side.FRONTEND), per_minute=1) == 1


def test_one_session_that_tells_60_failures_makes_a_few_events_and_keeps_nobody_out_of_the_list(
    rider: Rider, sandbox: SandboxServer, telemetry: Telemetry, site: Any, db: None
) -> None:
    site(SINKS=conf.DEFAULT_SINKS)
    with on_demand() as writer:
        for _ in range(60):
            rider.tells("failed", 500)
        sandbox.faults.set("link", Fault(kind="status", status=503))
        end = Rider().becomes_eligible().enrolls()
        writer.flush()

    telemetry.settle(amplitude=PER_SESSION + 1)
    assert [event["tags"]["side"] for event in telemetry.sentry] == ["frontend", "backend"]
    assert len(telemetry.amplitude) == PER_SESSION + 1
    assert Incident.objects.filter(reference=end.reference).exists()
    assert list(DayCount.objects.order_by("count").values_list("ending__code", "count", "unlisted")) == [
        ("processor_error", 1, 0),
        ("card_form_error", 33, 33 - PER_SESSION),  # RIDER_REQUESTS refused the others
    ]


def test_one_session_that_opens_the_card_form_60_times_makes_a_few_events(rider: Rider, telemetry: Telemetry) -> None:
    for _ in range(60):
        rider.tells("started")

    telemetry.settle(amplitude=PER_SESSION)
    assert len(telemetry.amplitude) == PER_SESSION


def test_what_the_back_end_saw_is_an_event_however_often(telemetry: Telemetry) -> None:
    for number in range(PER_SESSION + 5):
        dispatch(new_report(reference=f"H7P-2QX-{number:03}", outcome=Outcome.UNKNOWN))

    telemetry.settle(amplitude=PER_SESSION + 5)
    assert len(telemetry.amplitude) == PER_SESSION + 5
