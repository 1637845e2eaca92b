"""What the model must find, step by step. Each story is about a mistake that the app once made.

``told`` checks after each step that everything holds. The stories say only where a rider must end up: what happens on
the way depends on how busy the machine is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import Stage
from .world import DESK, FIRST_TAB, SECOND_TAB, World

pytestmark = [pytest.mark.slow, pytest.mark.redis]


class Told:
    """A world in which everything holds after each step."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Callable[..., None]:
        def step(*args: Any, **kwargs: Any) -> None:
            getattr(self.world, name)(*args, **kwargs)
            self.world.holds()

        return step

    def page(self, tab: int) -> str:
        page = self.world.tabs[tab].page
        assert page is not None
        return page.name


@pytest.fixture
def told(stage: Stage) -> Iterator[Told]:
    world = stage.world()
    yield Told(world)
    world.ends()


@pytest.fixture
def told_of_fleet(fleet: Stage) -> Iterator[Told]:
    world = fleet.world()
    yield Told(world)
    world.ends()


class TestTheRightRiderAndTheRightBenefit:
    def test_a_slow_token_answer_does_not_bring_back_the_benefit_before(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.asks_for_token(FIRST_TAB, slow=True)
        told.chooses(FIRST_TAB, "veterans")
        told.asks_for_token(FIRST_TAB)
        told.late_token_arrives()
        told.enrolls(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"

    def test_a_slow_token_answer_does_not_undo_a_sign_out(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.asks_for_token(FIRST_TAB, slow=True)
        told.signs_out(SECOND_TAB)
        told.late_token_arrives()

    def test_a_page_for_the_benefit_before_enrolls_nobody(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.chooses(SECOND_TAB, "veterans")
        told.enrolls(FIRST_TAB)
        assert told.page(FIRST_TAB) == "changed"
        told.chooses(FIRST_TAB, "seniors")
        told.chooses(FIRST_TAB, "veterans")
        told.enrolls(FIRST_TAB, card=1, back=1)
        assert told.page(FIRST_TAB) == "changed"

    def test_the_next_rider_at_a_desk_is_not_enrolled_with_the_card_of_the_one_before(self, told):
        told.leaves_card_at_gateway(DESK)
        told.next_rider_comes()
        told.chooses(DESK, "low-income")
        told.enrolls(DESK)
        assert told.page(DESK) == "success"


class TestTrueWords:
    def test_a_slow_link_is_not_asked_for_twice(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="the link is slow")
        told.answer_arrives(FIRST_TAB)
        told.back_end_finishes()
        told.checks_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"

    @pytest.mark.parametrize("fate", ["504, and the back end goes on", "cut, and the back end goes on"])
    def test_a_lost_link_is_not_asked_for_again_while_its_back_end_goes_on(self, told, fate):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate=fate)
        told.checks_again(FIRST_TAB)
        told.back_end_finishes()
        told.checks_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"

    def test_a_link_that_was_lost_and_never_made_is_made_after_the_quiet_time(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="504, and the back end goes on")
        told.back_end_finishes(does_it=False)
        told.quiet_time_passes()
        told.checks_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"

    @pytest.mark.parametrize("fate", ["not linked: 503", "the look-up is down"])
    def test_nobody_is_told_that_a_card_is_not_enrolled_while_its_lost_link_may_be_made(self, told, fate):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="504, and the back end goes on")
        told.enrolls(FIRST_TAB, fate=fate)
        told.back_end_finishes()

    def test_a_double_click_asks_for_one_link_and_does_not_end_on_too_early(self, told):
        told.chooses(FIRST_TAB, "veterans")
        told.enrolls(FIRST_TAB, fate="the link is slow", clicks=2)
        told.back_end_finishes()
        told.answer_arrives(FIRST_TAB)
        assert told.page(FIRST_TAB) in ("success", "still_checking")

    @pytest.mark.parametrize("fate", ["a changed expiry is not answered", "nobody can be asked"])
    def test_a_renewal_whose_answers_are_lost_does_not_say_that_the_card_is_not_enrolled(self, told, fate):
        told.chooses(FIRST_TAB, "veterans")
        told.enrolls(FIRST_TAB, card=2, fate=fate)
        assert told.page(FIRST_TAB) in ("success", "still_checking")

    @pytest.mark.parametrize("benefit", ["seniors", "veterans", "low-income"])
    def test_a_form_that_is_posted_again_comes_to_the_same_success(self, told, benefit):
        told.chooses(FIRST_TAB, benefit)
        told.enrolls(FIRST_TAB)
        told.posts_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"

    def test_two_checks_at_once_come_to_one_success(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="linked, the answer is cut, and nobody can be asked")
        before = len(told.world.site.successes)
        told.checks_again(FIRST_TAB, clicks=2)
        assert told.page(FIRST_TAB) == "success"
        assert len(told.world.site.successes) == before + 1


IN_TIME_OR_NOT = ("success", "still_checking")
"""The end of a link that is slow: on a busy machine, the site may have waited long enough before the answer comes."""


class TestALinkedCardWhoseSessionIsGone:
    def test_a_session_that_is_deleted_during_the_link_does_not_take_the_page(self, told_of_fleet):
        told = told_of_fleet
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="the link is slow")
        told.session_is_deleted(FIRST_TAB)
        told.back_end_finishes()
        told.answer_arrives(FIRST_TAB)
        assert told.page(FIRST_TAB) in IN_TIME_OR_NOT

    def test_a_sign_out_in_another_tab_during_the_link_does_not_take_the_page(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="the link is slow")
        told.signs_out(SECOND_TAB)
        told.back_end_finishes()
        told.answer_arrives(FIRST_TAB)
        assert told.page(FIRST_TAB) in IN_TIME_OR_NOT

    def test_a_database_that_is_locked_when_the_answer_comes_does_not_take_the_page(self, told_of_fleet):
        told = told_of_fleet
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="the link is slow")
        told.database_is_locked_until_the_answer(FIRST_TAB)
        assert told.page(FIRST_TAB) in IN_TIME_OR_NOT

    def test_a_lost_link_is_settled_without_the_session(self, told):
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="504, and the back end goes on")
        told.signs_out(SECOND_TAB)
        told.back_end_finishes()
        told.checks_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"


class TestAllIsWell:
    """The model itself holds if nothing goes wrong."""

    @pytest.mark.parametrize("benefit", ["seniors", "veterans", "low-income"])
    def test_riders_at_home_and_at_the_desk_are_enrolled(self, told, benefit):
        for tab, card in ((FIRST_TAB, 0), (SECOND_TAB, 1), (DESK, 0)):
            told.chooses(tab, benefit)
            told.asks_for_token(tab)
            told.enrolls(tab, card=card)
            assert told.page(tab) == "success"
        told.next_rider_comes()
        told.chooses(DESK, benefit)
        told.enrolls(DESK)
        assert told.page(DESK) == "success"


class TestServersThatGo:
    def test_a_killed_worker_leaves_a_link_that_is_asked_for_only_once(self, told_of_fleet):
        told = told_of_fleet
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="the link is slow")
        told.worker_is_killed(FIRST_TAB)
        told.enrolls(FIRST_TAB)
        told.back_end_finishes()
        told.checks_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"

    def test_a_cache_that_restarts_takes_no_page(self, told_of_fleet):
        told = told_of_fleet
        told.chooses(FIRST_TAB, "seniors")
        told.enrolls(FIRST_TAB, fate="504, and the back end goes on")
        told.cache_restarts()
        told.back_end_finishes()
        told.checks_again(FIRST_TAB)
        assert told.page(FIRST_TAB) == "success"
