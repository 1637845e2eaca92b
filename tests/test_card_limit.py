"""A site may say how many cards one proof can enroll. No tab, no second click and no late answer makes it one more."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.cache import cache
from django.urls import set_urlconf

from enrollment_errors.adapter import MOST_CARDS, Enrollment, ExpiryPolicy, Target
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.visit import forget_rider
from tests.rider import CARD_TOKEN, Rider
from tests.site import AGENCY
from tests.test_before_the_card import words
from tests.transport.brittle_cache import BrittleCache

ANOTHER, A_THIRD = "card-token-of-another", "card-token-of-a-third"
GROUP = "group-seniors"
LOST = Fault(kind="reset", after_effect=True)
SILENT = Fault(kind="status", status=503)


@pytest.fixture(autouse=True)
def cards(sandbox):
    for token in (ANOTHER, A_THIRD):
        sandbox.state.add_card(token)


def enrolled(sandbox):
    """The tokens of the cards in the group."""
    links = sandbox.state.groups[GROUP].links if GROUP in sandbox.state.groups else {}
    return {token for token, card in sandbox.state.cards.items() if card.id in links}


def tab_of(rider):
    """A second tab of the same browser, with the enroll page as the first one has it."""
    tab = Rider(base=rider.base)
    tab.client.cookies = rider.client.cookies
    tab.page = rider.page
    return tab


class TestWithoutALimit:
    def test_one_proof_enrolls_as_many_cards_as_the_rider_has(self, sandbox, rider):
        assert [rider.enrolls(token).page for token in (CARD_TOKEN, ANOTHER, A_THIRD)] == ["success"] * 3


class TestTheLimit:
    def test_counts_cards_that_are_enrolled(self, sandbox, rider):
        rider.becomes_eligible(cards=2)
        assert [rider.enrolls(token).page for token in (CARD_TOKEN, ANOTHER)] == ["success", "success"]
        end = rider.opens_the_page()
        assert (end.page, end.status) == ("no_more_cards", 409)
        assert enrolled(sandbox) == {CARD_TOKEN, ANOTHER}

    def test_says_so_before_a_card_is_asked_for_and_leads_to_what_is_enrolled(self, sandbox, rider):
        rider.becomes_eligible(cards=1)
        success = rider.enrolls()
        end = rider.opens_the_page()
        assert "You cannot enroll another card" in words(end.text)
        assert success.url in end.text.replace("&amp;", "&")
        assert 'data-enrollment="form"' not in end.text

    def test_is_told_to_the_script_of_a_page_that_was_opened_earlier(self, sandbox, rider):
        rider.becomes_eligible(cards=1)
        rider.opens_the_page()
        tab_of(rider).sends_the_form()
        calls = dict(sandbox.calls)
        response = rider.posts_as_the_script("/enrollment/token/", {})
        assert response.status_code == 409
        assert response.json()["errors"][0]["code"] == "no_more_cards"
        assert rider.goes_to(response.json()["redirect"]).page == "no_more_cards"
        assert dict(sandbox.calls) == calls

    def test_refuses_the_card_of_a_page_that_was_opened_earlier(self, sandbox, rider, telemetry):
        rider.becomes_eligible(cards=1)
        rider.opens_the_page()
        success = tab_of(rider).sends_the_form()
        end = rider.sends_the_form(ANOTHER)
        assert (end.page, end.status) == ("no_more_cards", 409)
        assert "If you have just entered another card, it is not enrolled." in words(end.text)
        assert enrolled(sandbox) == {CARD_TOKEN}
        assert rider.goes_to(success.url).reference == success.reference
        assert "ending in 0119" in words(rider.goes_to(success.url).text)
        telemetry.settle(amplitude=1)
        assert telemetry.sentry == []

    def test_lets_the_same_card_be_sent_twice(self, sandbox, rider):
        rider.becomes_eligible(cards=1)
        rider.opens_the_page()
        first = tab_of(rider).sends_the_form()
        assert rider.sends_the_form().url == first.url
        rider.client.cookies.pop("enrollment_end")
        assert rider.sends_the_form().page == "success"
        assert rider.sends_the_form(ANOTHER).page == "no_more_cards"

    def test_is_of_one_benefit(self, sandbox, rider):
        rider.becomes_eligible(cards=1)
        rider.enrolls()
        rider.becomes_eligible(cards=1, group="group-veterans", flow="veteran")
        assert rider.enrolls(ANOTHER).page == "success"
        rider.becomes_eligible(cards=1)
        assert rider.opens_the_page().page == "no_more_cards"

    def test_begins_anew_with_a_new_proof(self, sandbox, rider, rf):
        rider.becomes_eligible(cards=1)
        rider.enrolls()
        assert rider.opens_the_page().page == "no_more_cards"
        session = rider.client.session
        request = rf.get("/")
        request.session = session
        forget_rider(request)
        session.save()
        rider.client.cookies[django_settings.SESSION_COOKIE_NAME] = session.session_key
        assert rider.enrolls(ANOTHER).page == "success"

    def test_is_explained_to_staff(self, sandbox, site):
        staff = Rider(base="/staff/").becomes_eligible(cards=1)
        staff.enrolls()
        end = staff.opens_the_page()
        assert (end.page, end.status) == ("no_more_cards", 409)
        assert "This rider cannot enroll another card" in words(end.text)
        assert "Next rider" in end.text


class TestACardThatWasNotEnrolled:
    @pytest.mark.parametrize("stage", ["lookup", "link"])
    def test_leaves_its_place_to_another(self, sandbox, rider, stage):
        rider.becomes_eligible(cards=1)
        sandbox.faults.set(stage, Fault(kind="status", status=503))
        assert rider.enrolls().page == "system_error"
        sandbox.faults.clear()
        assert rider.enrolls(ANOTHER).page == "success"

    def test_leaves_its_place_when_it_is_too_early(self, sandbox, rider):
        Rider().becomes_eligible(expires=True).enrolls()
        rider.becomes_eligible(cards=1, expires=True)
        assert rider.enrolls().page == "too_early"
        assert rider.enrolls(ANOTHER).page == "success"

    def test_keeps_the_place_that_it_has_if_it_is_enrolled_again_in_vain(self, sandbox, rider):
        rider.becomes_eligible(cards=1)
        rider.opens_the_page()
        rider.sends_the_form()
        rider.client.cookies.pop("enrollment_end")
        sandbox.faults.set("link", Fault(kind="status", status=422))
        assert rider.sends_the_form().page == "server_error"
        sandbox.faults.clear()
        assert rider.sends_the_form(ANOTHER).page == "no_more_cards"

    def test_after_a_killed_worker_leaves_its_place_once_no_link_can_be_under_way(self, sandbox, rider, monkeypatch):
        class Killed(BaseException):
            pass

        def dies(*args):
            raise Killed

        rider.becomes_eligible(cards=1)
        rider.opens_the_page()
        with monkeypatch.context() as patched:
            patched.setattr("enrollment_errors.processors.littlepay.LittlepayProcessor.link", dies)
            with pytest.raises(Killed):
                rider.sends_the_form()
        set_urlconf(None)  # the next request would do this
        assert rider.sends_the_form(ANOTHER).page == "no_more_cards"
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(minutes=10), tick=True):
            assert rider.sends_the_form(ANOTHER).page == "success"


class TestACardWhoseAnswerWasLost:
    @pytest.fixture
    def lost(self, sandbox, rider):
        rider.becomes_eligible(cards=1)
        sandbox.faults.set("link", LOST)
        sandbox.faults.set("groups", SILENT)
        end = rider.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        return end

    def test_has_its_place_until_somebody_knows(self, sandbox, rider, lost):
        assert rider.enrolls(ANOTHER).page == "no_more_cards"
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(hours=1), tick=True):
            assert rider.enrolls(ANOTHER).page == "no_more_cards"
        assert rider.checks_again(lost).page == "success"
        assert rider.opens_the_page().page == "no_more_cards"
        assert enrolled(sandbox) == {CARD_TOKEN}

    def test_gets_a_place_when_it_is_enrolled_although_the_cache_was_emptied(self, rider, lost):
        cache.clear()
        assert rider.checks_again(lost).page == "success"
        assert rider.opens_the_page().page == "no_more_cards"

    def test_can_be_sent_again(self, sandbox, rider, lost):
        assert rider.enrolls().page == "success"
        assert rider.opens_the_page().page == "no_more_cards"

    def test_leaves_its_place_when_it_turns_out_not_to_be_enrolled(self, sandbox, rider, lost):
        sandbox.state.groups[GROUP].links.clear()
        sandbox.faults.set("link", Fault(kind="status", status=422))
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(minutes=10), tick=True):
            assert rider.checks_again(lost).page == "server_error"
            sandbox.faults.clear()
            assert rider.enrolls(ANOTHER).page == "success"

    def test_is_counted_for_the_proof_that_it_was_sent_with(self, sandbox, rider, lost):
        """The rider checks after a new visit has begun: the new one has not used up anything."""
        rider.client.session.flush()
        del rider.client.cookies[django_settings.SESSION_COOKIE_NAME]
        rider.becomes_eligible(cards=1)
        assert rider.checks_again(lost).page == "success"
        assert rider.enrolls(ANOTHER).page == "success"


class TestWithoutTheCache:
    def test_riders_enroll_as_many_cards_as_they_like(self, sandbox, settings, rider, monkeypatch):
        settings.CACHES = {"default": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
        monkeypatch.setattr(BrittleCache, "is_down", True)
        rider.becomes_eligible(cards=1)
        assert [rider.enrolls(token).page for token in (CARD_TOKEN, ANOTHER)] == ["success", "success"]


class TestTheSettingOfALimit:
    PLAIN = {"agency": AGENCY, "account": "littlepay", "group_id": GROUP, "flow": "senior", "verifier": "login.gov"}

    @pytest.mark.parametrize("cards", [0, -1, MOST_CARDS + 1])
    def test_is_from_one_to_the_most(self, cards):
        with pytest.raises(ConfigurationError, match=rf"cards is {cards}"):
            Enrollment(**self.PLAIN, cards=cards)

    def test_is_not_for_a_region(self):
        other = Target(
            agency=AGENCY, account="littlepay", group_id="group-other", expiry=ExpiryPolicy(days=9, reenrollment_days=1)
        )
        with pytest.raises(ConfigurationError, match="also"):
            Enrollment(**self.PLAIN, cards=1, also=[other])
