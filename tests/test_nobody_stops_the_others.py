"""Nothing that one rider does over and over keeps others from enrolling. Over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from enrollment_errors.sandbox.faults import Fault
from tests.rider import Rider

BROKEN = Fault(kind="status", status=500)
ROUNDS = 12


@pytest.fixture(autouse=True)
def breaker(site: Any) -> None:
    site(BREAKER_FAILURES=3, BREAKER_OPEN=60, ATTEMPTS=1)


def honest_rider_enrolls(sandbox: Any, number: int) -> str:
    sandbox.state.add_card(f"honest-{number}")
    return Rider().becomes_eligible().walks(f"honest-{number}").page


def test_one_session_with_cards_that_break_the_processor(sandbox: Any) -> None:
    """Two POSTs once stopped everyone, and one client kept winning the probe: 65 of 65 riders were refused in 35 s."""
    attacker = Rider().becomes_eligible()
    ends = []
    for number in range(ROUNDS):
        sandbox.faults.set("lookup", BROKEN)
        assert attacker.enrolls(f"breaks-it-{number}").page == "system_error"
        sandbox.faults.clear()
        ends.append(honest_rider_enrolls(sandbox, number))
    assert ends == ["success"] * ROUNDS


def test_one_card_that_breaks_the_processor_from_many_sessions(sandbox: Any) -> None:
    ends = []
    for number in range(ROUNDS):
        sandbox.faults.set("lookup", BROKEN)
        assert Rider().becomes_eligible().enrolls("breaks-it").page == "system_error"
        sandbox.faults.clear()
        ends.append(honest_rider_enrolls(sandbox, number))
    assert ends == ["success"] * ROUNDS


def test_a_card_token_that_would_be_another_path_reaches_nobody(sandbox: Any) -> None:
    """This happened with ``a/b``: the processor's server answered with 500."""
    attacker = Rider().becomes_eligible()
    for _ in range(ROUNDS):
        assert attacker.enrolls("a/b").page == "server_error"
    assert not sandbox.calls


def test_an_outage_that_meets_riders_of_their_own_opens_the_circuit_after_three_of_them(
    sandbox: Any, site: Any
) -> None:
    site(ATTEMPTS=3)
    sandbox.faults.set("lookup", BROKEN)
    for number in range(6):
        Rider().becomes_eligible().enrolls(f"card-{number}")
    assert sandbox.calls["lookup"] == 3 + 3 + 1, "the third rider's first try opened it"
