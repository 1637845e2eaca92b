"""Where one proof can enroll only so many cards, a card has its place until a sweep or the rider knows its end."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.rider import Rider

from .conftest import NOT_MADE, QUIET, SILENT, swept
from .test_finishing import cancels

ANOTHER = "card-token-of-another"


@pytest.fixture(autouse=True)
def another(sandbox):
    sandbox.state.add_card(ANOTHER)


@pytest.fixture
def rider(incidents):
    return Rider().becomes_eligible(cards=1)


@pytest.fixture
def promised(sandbox, rider):
    """The page of a promise to link the rider's card later."""
    until = datetime.now(timezone.utc) + timedelta(hours=5)
    rider.becomes_eligible(cards=1, finish_until=until.isoformat())
    sandbox.faults.set("link", SILENT)
    end = rider.enrolls()
    assert end.page == "finishing"
    sandbox.faults.clear()
    return end


class TestALostLink:
    def test_that_a_sweep_finds_has_its_place_for_good(self, hangs_up, rider):
        hangs_up()
        assert swept()["linked"] == 1
        assert rider.opens_the_page().page == "no_more_cards"

    def test_that_was_never_made_leaves_its_place(self, hangs_up, rider):
        hangs_up(link=NOT_MADE)
        assert rider.enrolls(ANOTHER).page == "no_more_cards"
        swept()
        assert swept(after=QUIET)["not_linked"] == 1
        assert rider.enrolls(ANOTHER).page == "success"


class TestAPromise:
    def test_has_a_place_until_it_is_kept_and_then_for_good(self, promised, rider):
        assert rider.enrolls(ANOTHER).page == "no_more_cards"
        assert swept(after=timedelta(minutes=3))["linked"] == 1
        assert rider.opens_the_page().page == "no_more_cards"

    def test_that_the_rider_cancels_leaves_its_place(self, promised, rider):
        cancels(promised)
        assert rider.enrolls(ANOTHER).page == "success"

    def test_that_could_not_be_kept_leaves_its_place(self, sandbox, promised, rider):
        sandbox.faults.set("link", SILENT)
        assert swept(after=timedelta(hours=6))["not_finished"] == 1
        sandbox.faults.clear()
        assert rider.enrolls(ANOTHER).page == "success"
