"""One link with the right expiry, whatever the processor says or loses. Over real HTTP against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import time_machine
from django.utils import timezone as django_timezone
from django.utils.formats import date_format

from enrollment_errors.sandbox.faults import Fault
from tests.rider import CARD_TOKEN, Rider, patience_with

GROUP = "group-seniors"
POLICY_DAYS, WINDOW_DAYS = 365, 14


@pytest.fixture
def card(sandbox):
    return sandbox.state.card(CARD_TOKEN).id


@pytest.fixture
def expiring(site):
    """A rider whose benefit expires."""
    return Rider().becomes_eligible(expires=True)


def links(sandbox):
    return sandbox.state.groups[GROUP].links


def in_days(days: float) -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


def full_term() -> datetime:
    """The midnight that ends the last day of a benefit granted today."""
    today = django_timezone.localdate()
    last = today + timedelta(days=POLICY_DAYS + 1)
    return django_timezone.make_aware(datetime(last.year, last.month, last.day)).astimezone(timezone.utc)


def calls(sandbox):
    return {name: count for name, count in sandbox.calls.items() if name not in ("authorization", "tokenization")}


class TestANewRider:
    def test_is_linked_with_two_calls_and_no_expiry(self, sandbox, rider, card):
        assert rider.enrolls().page == "success"
        assert links(sandbox)[card].expiry is None
        assert calls(sandbox) == {"lookup": 1, "link": 1}

    def test_is_linked_until_the_midnight_after_the_last_day(self, sandbox, expiring, card):
        end = expiring.enrolls()
        assert end.page == "success"
        assert links(sandbox)[card].expiry == full_term()
        assert calls(sandbox) == {"lookup": 1, "link": 1}

    def test_costs_the_same_calls_in_a_group_of_any_size(self, sandbox, rider):
        sandbox.state.fill_group(GROUP, 10_000)
        assert rider.walks().page == "success"
        assert sandbox.calls == {"authorization": 1, "tokenization": 1, "lookup": 1, "link": 1}


class TestARiderWhoIsLinkedAlready:
    @pytest.mark.parametrize("conflict", ["belongs", "funding_source", "unknown"])
    def test_is_told_of_success_in_whatever_words_the_processor_has_for_it(self, sandbox, rider, card, conflict):
        sandbox.state.link(card, GROUP)
        sandbox.state.link_conflict = conflict
        assert rider.enrolls().page == "success"

    @pytest.mark.parametrize("conflict", ["customer_500", "duplicate_500"])
    def test_is_told_of_success_even_where_the_processor_says_500(self, sandbox, rider, card, conflict):
        sandbox.state.link(card, GROUP)
        sandbox.state.link_conflict = conflict
        assert rider.enrolls().page == "success"

    def test_meets_a_server_error_where_the_words_are_unknown_and_the_card_is_not_in_the_group(self, sandbox, rider):
        sandbox.faults.set("link", Fault(kind="status", status=409, body="some other conflict"))
        assert rider.enrolls().page == "server_error"

    @pytest.mark.parametrize(
        "unanswered",
        [
            *(Fault(kind="status", status=status) for status in (403, 404, 500, 503)),
            Fault(kind="not_json"),
            Fault(kind="hang"),
        ],
        ids=str,
    )
    def test_is_still_being_checked_where_the_words_are_unknown_and_nobody_can_be_asked(
        self, sandbox, site, rider, telemetry, unanswered
    ):
        site(**patience_with(unanswered))
        sandbox.faults.set("link", Fault(kind="status", status=409, body="some other conflict"))
        sandbox.faults.set("groups", unanswered)
        assert rider.enrolls().page == "still_checking"
        [record] = telemetry.records
        assert (record.levelname, record.code) == ("ERROR", "link_answer_lost")

    def test_is_told_of_success_where_the_words_are_known_and_nobody_can_be_asked(self, sandbox, rider, telemetry):
        sandbox.faults.set("link", Fault(kind="status", status=409, body=KNOWN_WORDS))
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        assert rider.enrolls().page == "success"
        assert [record.code for record in telemetry.records] == ["already_linked"]

    def test_is_told_of_success_in_known_words_and_operators_hear_that_the_card_is_not_in_our_group(
        self, sandbox, rider, telemetry
    ):
        sandbox.faults.set("link", Fault(kind="status", status=409, body=KNOWN_WORDS))
        assert rider.enrolls().page == "success"
        telemetry.settle(amplitude=1)
        [record] = telemetry.records
        assert (record.levelname, record.code) == ("ERROR", "already_linked_elsewhere")
        assert [event["tags"]["enrollment.code"] for event in telemetry.sentry] == ["already_linked_elsewhere"]
        assert telemetry.amplitude[0]["event_properties"]["status"] == "success"

    def test_gets_an_expiry_where_the_link_had_none_and_the_benefit_expires(self, sandbox, expiring, card):
        sandbox.state.link(card, GROUP)
        assert expiring.enrolls().page == "success"
        assert links(sandbox)[card].expiry == full_term()

    @pytest.mark.parametrize("days", [-400, -1, 0, 5, WINDOW_DAYS - 1])
    def test_is_renewed_from_today_once_expired_or_in_the_window(self, sandbox, expiring, card, days):
        sandbox.state.link(card, GROUP, in_days(days))
        assert expiring.enrolls().page == "success"
        assert links(sandbox)[card].expiry == full_term()

    @pytest.mark.parametrize("days", [WINDOW_DAYS + 1, 180, 364])
    def test_is_told_that_it_is_too_early_with_both_dates(self, sandbox, expiring, card, days):
        expiry = in_days(days)
        sandbox.state.link(card, GROUP, expiry)
        end = expiring.enrolls()
        assert end.page == "too_early"
        local = django_timezone.localtime(expiry)  # calendar days: some have 23 hours, some 25
        for date in (local, local - timedelta(days=WINDOW_DAYS)):
            assert date_format(date) in end.text
        assert links(sandbox)[card].expiry == expiry

    def test_is_told_that_it_is_too_early_on_the_day_of_the_first_enrollment_too(self, sandbox, expiring):
        sandbox.state.add_card("the-same-day")
        assert expiring.enrolls("the-same-day").page == "success"
        assert Rider().becomes_eligible(expires=True).enrolls("the-same-day").page == "too_early"

    def test_learns_of_a_server_error_where_the_link_expires_the_benefit_does_not_and_nobody_can_clear_it(
        self, sandbox, rider, card
    ):
        expiry = in_days(100)
        sandbox.state.link(card, GROUP, expiry)
        assert rider.enrolls().page == "server_error"
        assert links(sandbox)[card].expiry == expiry

    def test_of_an_expiring_benefit_is_not_told_of_success_where_the_expiry_cannot_be_asked(
        self, sandbox, expiring, card
    ):
        sandbox.state.link(card, GROUP, in_days(-1))
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        assert expiring.enrolls().page == "still_checking"

    @pytest.mark.parametrize("days", [None, 5])
    @pytest.mark.parametrize(
        "fault", [Fault(kind="reset"), Fault(kind="status", status=503), Fault(kind="hang")], ids=str
    )
    def test_is_not_told_that_the_card_is_not_enrolled_where_only_its_renewal_failed(
        self, sandbox, site, expiring, card, days, fault
    ):
        site(**patience_with(fault))
        sandbox.state.link(card, GROUP, None if days is None else in_days(days))
        sandbox.faults.set("expiry", fault)
        end = expiring.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        assert expiring.checks_again(end).page == "success"
        assert links(sandbox)[card].expiry == full_term()
        assert calls(sandbox)["link"] == 1

    @pytest.mark.parametrize("how", [Fault(kind="reset"), Fault(kind="status", status=500)], ids=str)
    def test_of_an_expired_card_is_told_of_success_where_only_the_answer_to_its_renewal_was_lost(
        self, sandbox, expiring, card, how
    ):
        sandbox.state.link(card, GROUP, in_days(-1))
        sandbox.faults.set("expiry", replace(how, after_effect=True))
        assert expiring.enrolls().page == "success"
        assert links(sandbox)[card].expiry == full_term()

    def test_of_an_expired_card_is_still_being_checked_while_its_renewal_may_be_at_work(self, sandbox, expiring, card):
        sandbox.state.link(card, GROUP, in_days(-1))
        sandbox.faults.set("expiry", Fault(kind="reset"))
        end = expiring.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        assert expiring.checks_again(end).page == "success"
        assert links(sandbox)[card].expiry == full_term()

    def test_of_an_expired_card_whose_renewal_is_surely_over_and_came_to_nothing_is_a_system_error(
        self, sandbox, expiring, card
    ):
        sandbox.state.link(card, GROUP, in_days(-1))
        sandbox.faults.set("expiry", Fault(kind="status", status=503))
        assert expiring.enrolls().page == "system_error"


KNOWN_WORDS = "Customer already belongs to a concession group."
LOST = {
    "hang": Fault(kind="hang", after_effect=True),
    "reset": Fault(kind="reset", after_effect=True),
    "cut": Fault(kind="cut", after_effect=True),
    "502": Fault(kind="status", status=502, body="<html>", after_effect=True),
    "gateway page": Fault(kind="not_json", after_effect=True),
}


class TestALostAnswer:
    @pytest.mark.parametrize("how", LOST)
    @pytest.mark.parametrize("expires", [False, True])
    def test_is_settled_by_asking_once(self, sandbox, site, card, how, expires):
        site(**patience_with(LOST[how]))
        sandbox.faults.set("link", LOST[how])
        assert Rider().becomes_eligible(expires=expires).enrolls().page == "success"
        assert list(links(sandbox)) == [card]
        assert calls(sandbox) == {"lookup": 1, "link": 1, "groups": 1}

    @pytest.mark.parametrize("status", [500, 503])
    def test_of_a_link_that_is_surely_over_and_was_not_made_is_followed_by_one_more_link(
        self, sandbox, rider, card, status
    ):
        sandbox.faults.set("link", Fault(kind="status", status=status, times=1))
        assert rider.enrolls().page == "success"
        assert list(links(sandbox)) == [card]
        assert calls(sandbox) == {"lookup": 1, "link": 2, "groups": 1}

    def test_of_the_second_link_is_asked_about_too(self, sandbox, rider, card):
        sandbox.faults.set(
            "link", Fault(kind="status", status=500, times=1), Fault(kind="reset", after_effect=True, times=1)
        )
        assert rider.enrolls().page == "success"
        assert calls(sandbox) == {"lookup": 1, "link": 2, "groups": 2}

    def test_of_two_links_that_are_surely_over_and_were_not_made_is_a_system_error(self, sandbox, rider):
        sandbox.faults.set("link", Fault(kind="status", status=503))
        assert rider.enrolls().page == "system_error"
        assert calls(sandbox) == {"lookup": 1, "link": 2, "groups": 2}

    @pytest.mark.parametrize("how", LOST)
    def test_of_a_link_that_may_still_be_at_work_is_never_followed_by_a_second_one(
        self, sandbox, site, rider, card, how
    ):
        site(**patience_with(LOST[how]))
        sandbox.faults.set("link", replace(LOST[how], after_effect=False))
        end = rider.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        someone_else = Rider().becomes_eligible()
        for goes_on in (rider.checks_again, lambda end: rider.enrolls(), lambda end: someone_else.enrolls()):
            assert goes_on(end).page == "still_checking"
        assert calls(sandbox)["link"] == 1
        sandbox.state.link(card, GROUP)  # now it has taken effect
        assert rider.checks_again(end).page == "success"
        assert calls(sandbox)["link"] == 1

    def test_is_not_told_of_again_by_a_check_that_settles_nothing(self, sandbox, rider, telemetry):
        sandbox.faults.set("link", Fault(kind="reset"))
        end = rider.enrolls()
        for _ in range(3):
            again = rider.checks_again(end)
            assert (again.page, again.reference) == ("still_checking", end.reference)
        assert [record.reference for record in telemetry.records] == [end.reference]

    def test_is_no_success_where_the_card_was_linked_long_ago_and_is_to_be_renewed(self, sandbox, expiring, card):
        sandbox.state.link(card, GROUP, in_days(-1))
        sandbox.faults.set("link", Fault(kind="reset"))
        assert expiring.enrolls().page == "success"
        assert links(sandbox)[card].expiry == full_term()
        assert calls(sandbox) == {"lookup": 1, "link": 1, "groups": 1, "expiry": 1}

    @pytest.mark.parametrize("unanswered", [Fault(kind="status", status=503), Fault(kind="hang"), Fault(kind="reset")])
    def test_that_nobody_can_be_asked_about_is_still_being_checked(self, sandbox, site, rider, unanswered):
        site(**patience_with(unanswered))
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", unanswered)
        end = rider.enrolls()
        assert (end.page, end.status) == ("still_checking", 200)
        assert end.reference
        assert calls(sandbox)["link"] == 1

    def test_is_settled_by_checking_again_without_a_second_link(self, sandbox, rider, card):
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        end = rider.enrolls()
        again = rider.checks_again(end)
        assert again.page == "still_checking"
        sandbox.faults.clear()
        assert rider.checks_again(again).page == "success"
        assert calls(sandbox)["link"] == 1
        assert list(links(sandbox)) == [card]

    def test_that_is_settled_shows_the_same_success_to_a_second_click(self, sandbox, rider):
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        end = rider.enrolls()
        sandbox.faults.clear()
        success = rider.checks_again(end)
        asked = sandbox.calls.total()
        again = rider.checks_again(end)
        assert (again.page, again.url) == ("success", success.url)
        assert sandbox.calls.total() == asked

    @pytest.mark.parametrize("expires", [False, True])
    def test_is_settled_by_starting_again_too(self, sandbox, site, card, expires):
        rider = Rider().becomes_eligible(expires=expires)
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        assert rider.enrolls().page == "still_checking"
        sandbox.faults.clear()
        assert rider.enrolls().page == "success"
        assert calls(sandbox)["link"] == 1
        assert list(links(sandbox)) == [card]

    @pytest.mark.parametrize("endpoint", ["authorization", "tokenization", "lookup"])
    def test_can_still_be_settled_after_starting_again_came_to_nothing(self, sandbox, rider, card, endpoint):
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        end = rider.walks()
        rider.tells("failed", 401)  # makes the next walk ask for access to card tokenization again
        sandbox.state.revoke_api_tokens()
        sandbox.faults.set(endpoint, Fault(kind="status", status=503))
        for _ in range(10):
            # As long as the lost link may still be made, no page may say that the card is not enrolled.
            end = rider.walks()
            assert end.page == "still_checking"
        sandbox.faults.clear()
        assert rider.checks_again(end).page == "success"
        assert calls(sandbox)["link"] == 1

    @pytest.mark.parametrize("event", ["failed", "form_not_loaded"])
    def test_is_not_denied_by_a_card_form_that_fails_meanwhile(self, sandbox, rider, card, event):
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        rider.enrolls()
        sandbox.faults.clear()
        end = rider.goes_to(rider.tells(event).json()["redirect"])
        assert end.page == "still_checking"
        assert rider.checks_again(end).page == "success"
        assert list(links(sandbox)) == [card]

    def test_of_one_card_stays_open_while_another_card_is_enrolled(self, sandbox, expiring, card, site):
        site(LINK_QUIET_TIME=0.01)
        sandbox.faults.set("link", Fault(kind="reset"))
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = expiring.enrolls()
        sandbox.faults.clear()
        other = sandbox.state.add_card("another-card")
        assert expiring.enrolls("another-card").page == "success"
        assert list(links(sandbox)) == [other]
        assert expiring.checks_again(end).page == "success"
        assert list(links(sandbox)) == [other, card]

    @pytest.mark.parametrize("goes_on", [Rider.checks_again, lambda rider, end: rider.enrolls()])
    def test_that_turns_out_not_made_some_days_later_is_made_for_the_full_term(self, sandbox, expiring, card, goes_on):
        sandbox.faults.set("link", Fault(kind="reset"))
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = expiring.enrolls()
        sandbox.faults.clear()
        with time_machine.travel(in_days(3), tick=True):
            assert goes_on(expiring, end).page == "success"
            assert links(sandbox)[card].expiry == full_term()

    def test_of_a_link_that_was_not_made_is_linked_by_checking_again_once_it_can_be_at_work_no_longer(
        self, sandbox, rider, card, site
    ):
        site(LINK_QUIET_TIME=0.01)
        sandbox.faults.set("link", Fault(kind="reset"))
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        assert rider.checks_again(end).page == "success"
        assert list(links(sandbox)) == [card]

    def test_is_settled_from_an_older_page_of_the_same_card_too(self, sandbox, rider, card):
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        oldest = rider.enrolls()
        rider.checks_again(oldest)
        rider.enrolls()
        sandbox.faults.clear()
        assert rider.checks_again(oldest).page == "success"
        assert list(links(sandbox)) == [card]

    @pytest.mark.parametrize("afterwards", [{"group": "group-veterans"}, None])
    def test_is_settled_for_the_benefit_that_its_page_named_whatever_became_of_the_session(
        self, sandbox, rider, card, afterwards
    ):
        sandbox.faults.set("link", LOST["reset"])
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        if afterwards is None:
            del rider.client.cookies["sessionid"]
        else:
            rider.becomes_eligible(**afterwards)
        assert rider.checks_again(end).page == "success"
        assert list(links(sandbox)) == [card]
        assert calls(sandbox)["link"] == 1

    def test_of_one_card_is_not_settled_by_another_card_in_another_tab(self, sandbox, rider, card, site):
        site(LINK_QUIET_TIME=0.01)
        sandbox.faults.set("link", Fault(kind="reset"))
        sandbox.faults.set("groups", Fault(kind="reset"))
        first = rider.enrolls()
        other = sandbox.state.add_card("another-card")
        second = rider.enrolls("another-card")
        sandbox.faults.clear()
        assert rider.checks_again(second).page == "success"
        assert list(links(sandbox)) == [other]
        assert rider.checks_again(first).page == "success"
        assert list(links(sandbox)) == [other, card]


def test_a_401_gets_a_new_access_token_and_is_tried_once_more(sandbox, rider):
    rider.asks_for_token()
    sandbox.state.revoke_api_tokens()
    assert rider.enrolls().page == "success"
    assert sandbox.calls["authorization"] == 2


def test_a_409_from_the_authorization_in_the_middle_of_the_link_is_no_success(sandbox, rider):
    rider.asks_for_token()
    sandbox.faults.set("link", Fault(kind="status", status=401))
    sandbox.faults.set("authorization", Fault(kind="status", status=409))
    assert rider.enrolls().page == "server_error"
    assert calls(sandbox) == {"lookup": 1, "link": 1}
