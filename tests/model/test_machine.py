"""Riders, staff and trouble in whatever order Hypothesis thinks of.

``ENROLLMENT_ERRORS_MODEL_EXAMPLES=500`` makes a long run, which differs each time.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from .conftest import Stage
from .site.benefits import BENEFITS
from .world import DESK, FATES, FIRST_TAB, SECOND_TAB

LONG_RUN = os.environ.get("ENROLLMENT_ERRORS_MODEL_EXAMPLES")
EXAMPLES = int(LONG_RUN or "25")
STEPS = 20

tabs = st.sampled_from([FIRST_TAB, SECOND_TAB, DESK])
benefits = st.sampled_from(list(BENEFITS))
fates = st.sampled_from(list(FATES))
slow = st.sampled_from([name for name, fate in FATES.items() if fate.held])
cards = st.sampled_from([0, 1, 2])


class Riders(RuleBasedStateMachine):
    """No rule has a precondition: it would depend on real time, and Hypothesis must be able to repeat its choices. A
    step that cannot be taken yet does nothing."""

    meanwhile = ("signs_out", "session_is_deleted", "database_is_locked_until_the_answer")

    def __init__(self, stage: Stage, seen: Counter[str]) -> None:
        super().__init__()
        self.world = stage.world()
        self.checked, self.seen = 0, seen

    def teardown(self) -> None:
        self.seen += self.world.truth.seen
        self.world.ends()

    @initialize(at_home=benefits, at_the_desk=benefits)
    def everybody_has_chosen(self, at_home: str, at_the_desk: str) -> None:
        self.world.chooses(FIRST_TAB, at_home)
        self.world.chooses(DESK, at_the_desk)

    @rule(tab=tabs, benefit=benefits)
    def chooses(self, tab: int, benefit: str) -> None:
        self.world.chooses(tab, benefit)

    @rule(tab=tabs, back=st.sampled_from([0, 0, 1]))
    def asks_for_slow_token(self, tab: int, back: int) -> None:
        self.world.asks_for_token(tab, back=back, slow=True)

    @rule()
    def late_token_arrives(self) -> None:
        self.world.late_token_arrives()

    @rule(tab=tabs, card=cards)
    def leaves_card_at_gateway(self, tab: int, card: int) -> None:
        self.world.leaves_card_at_gateway(tab, card)

    @rule(tab=tabs, card=cards, fate=fates)
    def enrolls(self, tab: int, card: int, fate: str) -> None:
        self.world.enrolls(tab, card=card, fate=fate)

    @rule(tab=tabs, card=cards, fate=fates, back=st.sampled_from([1, 2]))
    def enrolls_on_an_old_page(self, tab: int, card: int, fate: str, back: int) -> None:
        self.world.enrolls(tab, card=card, fate=fate, back=back)

    @rule(tab=tabs, card=cards, fate=fates)
    def clicks_twice(self, tab: int, card: int, fate: str) -> None:
        self.world.enrolls(tab, card=card, fate=fate, clicks=2)

    @rule(tab=tabs, card=cards, fate=slow, then=st.data())
    def something_happens_during_an_enrollment(self, tab: int, card: int, fate: str, then: st.DataObject) -> None:
        what = then.draw(st.sampled_from(self.meanwhile))
        self.world.enrolls(tab, card=card, fate=fate)
        getattr(self.world, what)(tab)

    @rule(tab=tabs, fate=fates, clicks=st.sampled_from([1, 1, 2]))
    def checks_again(self, tab: int, fate: str, clicks: int) -> None:
        self.world.checks_again(tab, fate=fate, clicks=clicks)

    @rule(tab=tabs)
    def posts_again(self, tab: int) -> None:
        self.world.posts_again(tab)

    @rule(tab=tabs)
    def answer_arrives(self, tab: int) -> None:
        self.world.answer_arrives(tab)

    @rule(does_it=st.sampled_from([True, True, False]))
    def back_end_finishes(self, does_it: bool) -> None:
        self.world.back_end_finishes(does_it=does_it)

    @rule(benefit=benefits)
    def next_rider_comes(self, benefit: str) -> None:
        self.world.next_rider_comes()
        self.world.chooses(DESK, benefit)

    @rule()
    def quiet_time_passes(self) -> None:
        self.world.quiet_time_passes()

    @invariant()
    def it_holds(self) -> None:
        if len(self.world.truth.story) > self.checked:
            self.world.holds()
            self.checked = len(self.world.truth.story)


class RidersOfAFleet(Riders):
    meanwhile = (*Riders.meanwhile, "worker_is_killed", "cache_restarts")


def run(machine: type[Riders], stage: Stage) -> None:
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: machine(stage, seen),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not LONG_RUN,
            # The steps take real time, so a smaller example may not fail again. The story has every step anyway.
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        ),
    )
    # Everything also holds if no rider ever gets anywhere.
    assert min(seen[page] for page in ("success", "still_checking", "changed")) > 0, seen


@pytest.mark.slow
@pytest.mark.ci_only
@pytest.mark.redis
def test_what_riders_of_a_fleet_are_told_is_true(fleet):
    run(RidersOfAFleet, fleet)


@pytest.mark.slow
@pytest.mark.ci_only
def test_what_riders_of_one_process_are_told_is_true(one_process):
    run(Riders, one_process)
