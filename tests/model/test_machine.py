"""Riders, staff and trouble in whatever order Hypothesis thinks of.

``ENROLLMENT_ERRORS_MODEL_EXAMPLES=500`` makes a long run of it.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .conftest import Stage
from .site.benefits import BENEFITS
from .world import DESK, FATES, FIRST_TAB, SECOND_TAB

EXAMPLES = int(os.environ.get("ENROLLMENT_ERRORS_MODEL_EXAMPLES", "12"))
STEPS = 15

tabs = st.sampled_from([FIRST_TAB, SECOND_TAB, DESK])
benefits = st.sampled_from(list(BENEFITS))
fates = st.sampled_from(list(FATES))
cards = st.sampled_from([0, 1, 2])
pages_back = st.sampled_from([0, 0, 0, 1, 2])
clicks = st.sampled_from([1, 1, 2])


class Riders(RuleBasedStateMachine):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.world = stage.world()

    def teardown(self) -> None:
        self.world.ends()

    def waits(self) -> bool:
        return any(tab.answers for tab in self.world.tabs)

    @initialize(at_home=benefits, at_the_desk=benefits)
    def everybody_has_chosen(self, at_home: str, at_the_desk: str) -> None:
        self.world.chooses(FIRST_TAB, at_home)
        self.world.chooses(DESK, at_the_desk)

    @rule(tab=tabs, benefit=benefits)
    def chooses(self, tab: int, benefit: str) -> None:
        self.world.chooses(tab, benefit)

    @rule(tab=tabs, back=pages_back, slow=st.booleans())
    def asks_for_token(self, tab: int, back: int, slow: bool) -> None:
        self.world.asks_for_token(tab, back=back, slow=slow)

    @precondition(lambda self: self.world.waits_for_tokens)
    @rule()
    def late_token_arrives(self) -> None:
        self.world.late_token_arrives()

    @precondition(lambda self: any(tab.gateway for tab in self.world.tabs))
    @rule(tab=tabs, card=cards)
    def enters_card_at_gateway(self, tab: int, card: int) -> None:
        self.world.enters_card_at_gateway(tab, card)

    @rule(tab=tabs, card=cards, fate=fates, back=pages_back, clicks=clicks)
    def enrolls(self, tab: int, card: int, fate: str, back: int, clicks: int) -> None:
        self.world.enrolls(tab, card=card, fate=fate, back=back, clicks=clicks)

    @precondition(lambda self: any(tab.page and tab.page.name == "still_checking" for tab in self.world.tabs))
    @rule(tab=tabs, fate=fates, clicks=clicks)
    def checks_again(self, tab: int, fate: str, clicks: int) -> None:
        self.world.checks_again(tab, fate=fate, clicks=clicks)

    @precondition(waits)
    @rule(tab=tabs)
    def answer_arrives(self, tab: int) -> None:
        self.world.answer_arrives(tab)

    @precondition(lambda self: bool(self.world.sandbox.held))
    @rule(does_it=st.sampled_from([True, True, False]))
    def back_end_finishes(self, does_it: bool) -> None:
        self.world.back_end_finishes(does_it=does_it)

    @rule(tab=st.sampled_from([FIRST_TAB, SECOND_TAB]))
    def signs_out(self, tab: int) -> None:
        self.world.signs_out(tab)

    @rule(benefit=benefits)
    def next_rider_comes(self, benefit: str) -> None:
        self.world.next_rider_comes()
        self.world.chooses(DESK, benefit)

    @precondition(waits)
    @rule(tab=tabs)
    def session_is_deleted(self, tab: int) -> None:
        self.world.session_is_deleted(tab)

    @precondition(waits)
    @rule(tab=tabs)
    def database_is_locked_until_the_answer(self, tab: int) -> None:
        self.world.database_is_locked_until_the_answer(tab)

    @precondition(lambda self: any(tab.page and tab.page.name == "still_checking" for tab in self.world.tabs))
    @rule()
    def quiet_time_passes(self) -> None:
        self.world.quiet_time_passes()

    @invariant()
    def it_holds(self) -> None:
        self.world.holds()


class RidersOfAFleet(Riders):
    @precondition(Riders.waits)
    @rule(tab=tabs)
    def worker_is_killed(self, tab: int) -> None:
        self.world.worker_is_killed(tab)

    @rule()
    def cache_restarts(self) -> None:
        self.world.cache_restarts()


def run(machine: type[Riders], stage: Stage) -> None:
    run_state_machine_as_test(
        lambda: machine(stage),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # Real time passes, so that a failure that has been made smaller may be none; the story of it is whole.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        ),
    )


@pytest.mark.slow
@pytest.mark.redis
def test_what_riders_of_a_fleet_are_told_is_true(fleet):
    run(RidersOfAFleet, fleet)


@pytest.mark.slow
def test_what_riders_of_one_process_are_told_is_true(one_process):
    run(Riders, one_process)
