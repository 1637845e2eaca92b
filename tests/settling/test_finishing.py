"""If the processor is down after a rider's card was read, the app makes the link later, and the page says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.core.signing import TimestampSigner
from django.db import OperationalError, connection
from django.test import Client

from enrollment_errors import availability, conf
from enrollment_errors.adapter import Enrollment, Method
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.incidents.models import Incident
from enrollment_errors.journal import Journal, use_journal
from enrollment_errors.ledger.models import Entry
from enrollment_errors.outcomes import Outcome
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.settling.sweep import _take, ask_now
from enrollment_errors.settling.swept import WAITING
from tests import site as test_site
from tests.rider import CARD_TOKEN, End, Rider
from tests.site import AGENCY

from .conftest import LOST, NOT_MADE, QUIET, SILENT, SOON, counted, swept

LATER = timedelta(minutes=3)
HOUR = timedelta(hours=1)
REFUSED = Fault(kind="status", status=422)


def until(after: timedelta = 5 * HOUR) -> str:
    return (datetime.now(timezone.utc) + after).isoformat()


@pytest.fixture
def settled(monkeypatch):
    """The calls of the site's hook."""
    told = []
    monkeypatch.setattr(test_site.TestAdapter, "on_settled", lambda self, *args: told.append(args))
    return told


@pytest.fixture
def enrolls(rider, sandbox):
    """A rider at a processor that is down. The app may finish the enrollment later."""

    def enroll(fault: Fault = SILENT, **eligible: Any) -> End:
        rider.becomes_eligible(**{"finish_until": until(), **eligible})
        sandbox.faults.set("link", fault)
        end = rider.enrolls()
        sandbox.faults.clear()
        return end

    return enroll


@contextmanager
def no_journal() -> Iterator[None]:
    before = use_journal(Journal())
    try:
        yield
    finally:
        use_journal(before)


class SwitchedOff(availability.Source):
    def get_switch(self, target: Any, glance: Any = None) -> availability.Availability:
        return availability.Availability(is_available=False, why="switched_off")


@pytest.fixture
def source():
    before = availability._source
    yield availability.register
    availability.register(before)


def opened(end: End, *, after: timedelta = timedelta(0), client: Client | None = None) -> str:
    """What the page says, that much later, to someone who has only its address."""
    with time_machine.travel(datetime.now(timezone.utc) + after, tick=True):
        return text_of((client or Client()).get(end.url))


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def cancels(end: End) -> Any:
    return Client().post(end.url)


def takes_effect_late(sandbox: Any) -> None:
    """Makes the link after its answer was lost."""
    sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, "group-seniors")


def links(sandbox: Any) -> int:
    return len(sandbox.state.groups["group-seniors"].links)


class TestThePromise:
    def test_is_made_where_the_processor_fails_after_the_card_was_read(self, enrolls):
        end = enrolls()
        assert (end.page, end.status) == ("finishing", 200)
        assert "We will finish this for you" in end.text
        assert "Your card is not enrolled yet." in end.text
        [row] = SentLink.objects.all()
        assert (row.state, row.reference) == (State.FINISHING, end.reference)

    def test_is_of_one_failure_that_operators_hear_of(self, enrolls, incidents):
        end = enrolls()
        incidents.flush()
        assert Incident.objects.get().reference == end.reference
        assert sum(counted().values()) == 1

    def test_is_not_made_where_the_site_does_not_say_so(self, enrolls):
        assert enrolls(finish_until=None).page == "system_error"
        assert not SentLink.objects.exists()

    def test_is_not_made_before_the_card_is_known(self, rider, sandbox):
        rider.becomes_eligible(finish_until=until())
        sandbox.faults.set("lookup", SILENT)
        assert rider.enrolls().page == "system_error"

    def test_is_not_made_where_the_processor_refuses_the_card(self, enrolls):
        assert enrolls(REFUSED).page == "server_error"
        assert not SentLink.objects.exists()

    def test_is_not_made_where_the_answer_is_lost(self, enrolls, sandbox):
        sandbox.faults.set("groups", SILENT)
        assert enrolls(LOST).page == "still_checking"

    def test_is_not_made_where_there_is_no_time_left_for_it(self, enrolls):
        assert enrolls(finish_until=until(SOON)).page == "system_error"
        assert not SentLink.objects.exists()

    def test_is_not_made_while_the_database_is_down(self, enrolls):
        def fails(execute, sql, *arguments):
            if "enrollment_settling" in sql:
                raise OperationalError
            return execute(sql, *arguments)

        with connection.execute_wrapper(fails):
            assert enrolls().page == "system_error"

    def test_is_not_made_by_a_site_without_the_app(self, rider, sandbox):
        with no_journal():
            rider.becomes_eligible(finish_until=until())
            sandbox.faults.set("link", SILENT)
            assert rider.enrolls().page == "system_error"

    def test_is_not_made_for_a_region(self, rider, sandbox):
        also = {"coast": {"account": "littlepay", "group": "group-veterans"}}
        rider.becomes_eligible(finish_until=until(), also=also)
        sandbox.faults.set("link", SILENT)
        assert rider.enrolls().page != "finishing"
        assert not SentLink.objects.filter(state=State.FINISHING)

    def test_ends_at_the_limit_where_the_site_would_wait_for_longer(self, enrolls, site):
        site(SETTLING_HOURS=2)
        enrolls()
        [row] = SentLink.objects.all()
        assert row.finish_until - row.opened_at <= 2 * HOUR + SOON

    def test_needs_a_time_zone(self):
        with pytest.raises(ConfigurationError, match="finish_until must have a time zone"):
            Enrollment(
                agency=AGENCY,
                account="littlepay",
                group_id="g",
                flow="senior",
                verifier="v",
                finish_until=datetime(2026, 11, 28),
            )

    def test_keeps_no_card_in_clear(self, enrolls, sandbox):
        enrolls()
        kept = str(SentLink.objects.values().get())
        assert sandbox.state.card(CARD_TOKEN).id not in kept
        assert CARD_TOKEN not in kept
        assert "group-seniors" not in kept

    def test_is_made_after_a_check_that_fails_too(self, rider, sandbox):
        rider.becomes_eligible(finish_until=until())
        sandbox.faults.set("link", NOT_MADE)
        sandbox.faults.set("groups", SILENT)
        end = rider.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        sandbox.faults.set("link", SILENT)
        with time_machine.travel(datetime.now(timezone.utc) + QUIET, tick=True):
            end = rider.checks_again(end)
        assert end.page == "finishing"
        [row] = SentLink.objects.filter(state=State.FINISHING)
        assert row.reference == end.reference


class TestThePage:
    def test_needs_nothing_but_its_address(self, enrolls):
        end = enrolls()
        read = opened(end)
        assert "We will finish this for you" in read
        assert end.reference in read
        assert AGENCY.name in read

    def test_has_nothing_of_the_rider_or_the_card_in_its_address(self, enrolls, sandbox):
        end = enrolls()
        [row] = SentLink.objects.all()
        assert re.fullmatch(r"/enrollment/finishing/\?finishing=[\w%-]+", end.url)
        for told in (row.reference, row.rider, row.link, sandbox.state.card(CARD_TOKEN).id, CARD_TOKEN):
            assert told not in end.url

    def test_is_kept_by_no_cache_and_no_search_engine_and_tells_no_other_site(self, enrolls):
        response = Client().get(enrolls().url)
        assert "private" in response["Cache-Control"]
        assert "no-store" in response["Cache-Control"]
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert response["Referrer-Policy"] == "same-origin"
        assert '<meta name="robots" content="noindex, nofollow">' in response.content.decode()

    def test_changes_nothing_however_often_it_is_opened(self, enrolls, sandbox):
        end = enrolls()
        before = list(SentLink.objects.values())
        sandbox.calls.clear()
        for _ in range(3):
            opened(end)
            Client().get(f"{end.url}&cancel=1")
            Client().head(end.url)
        assert list(SentLink.objects.values()) == before
        assert not sandbox.calls

    def test_says_enrolled_once_it_is(self, enrolls, sandbox):
        end = enrolls()
        assert swept(LATER) == {State.LINKED: 1}
        assert "Your card is enrolled" in opened(end)
        assert links(sandbox) == 1

    def test_says_that_it_could_not_be_done_though_no_sweep_has_looked(self, enrolls):
        end = enrolls()
        assert "We could not enroll your card" in opened(end, after=6 * HOUR)

    @pytest.mark.parametrize(
        ("state", "said"),
        [
            (State.OPEN, "Your card may already be enrolled."),
            (State.NOT_FINISHED, "Your card is not enrolled."),
            (State.NOT_LINKED, "Your card is not enrolled."),
            (State.EXPIRED, "we could not find out if it worked"),
        ],
    )
    def test_says_what_is_known(self, enrolls, state, said):
        end = enrolls()
        SentLink.objects.update(state=state)
        assert said in opened(end)

    def test_leads_to_the_enroll_page_where_it_was_not_signed_by_this_site(self, enrolls):
        enrolls()
        [row] = SentLink.objects.all()
        for signed in ("", row.finishing, TimestampSigner(salt="another").sign(row.finishing)):
            response = Client().get("/enrollment/finishing/", {"finishing": signed})
            assert (response.status_code, response["Location"]) == (302, "/enrollment/")

    def test_leads_to_the_enroll_page_once_nothing_is_kept_of_it(self, enrolls, site):
        end = enrolls()
        with time_machine.travel(datetime.now(timezone.utc) + timedelta(days=400), tick=True):
            assert Client().get(end.url).status_code == 302
        SentLink.objects.all().delete()
        assert Client().get(end.url).status_code == 302
        assert Client().post(end.url).status_code == 303

    def test_leads_to_the_enroll_page_of_a_site_that_has_taken_the_app_out(self, enrolls):
        end = enrolls()
        with no_journal():
            assert Client().get(end.url).status_code == 302
            assert Client().post(end.url).status_code == 303

    def test_says_to_come_back_where_the_database_is_down(self, enrolls):
        end = enrolls()

        def fails(execute, sql, *arguments):
            if "enrollment_settling" in sql:
                raise OperationalError
            return execute(sql, *arguments)

        with connection.execute_wrapper(fails):
            response = Client().get(end.url)
            assert response.status_code == 503
            assert "Nothing about your enrollment has changed." in text_of(response)
            assert Client().post(end.url).status_code == 503
        assert SentLink.objects.get().state == State.FINISHING

    def test_speaks_to_staff_at_a_counter(self, incidents, sandbox, site):
        staff = Rider(base="/staff/").becomes_eligible(finish_until=until())
        sandbox.faults.set("link", SILENT)
        end = staff.enrolls()
        assert end.page == "finishing"
        assert "We will finish this for the rider" in end.text
        assert "Next rider" in end.text
        assert SentLink.objects.get().method == Method.IN_PERSON.value

    def test_tells_a_rider_who_is_signed_in_to_sign_out(self, enrolls):
        assert "sign out of Login.gov" in enrolls(signed_in=True).text


class TestCanceling:
    def test_is_asked_about_first(self, enrolls):
        end = enrolls()
        assert "Do you want to cancel this enrollment?" in text_of(Client().get(f"{end.url}&cancel=1"))
        assert "&amp;cancel=1" in end.text

    def test_promises_nothing_of_a_card_that_may_be_enrolled(self, enrolls, sandbox):
        end = enrolls()
        not_enrolled = "If you cancel, your card will not get the reduced fare."
        assert not_enrolled in text_of(Client().get(f"{end.url}&cancel=1"))
        sandbox.faults.set("link", NOT_MADE)
        swept(LATER)
        asked = text_of(Client().get(f"{end.url}&cancel=1"))
        assert "your card may already be enrolled" in asked
        assert not_enrolled not in asked

    def test_means_that_no_card_is_linked_and_nothing_of_it_is_kept(self, enrolls, sandbox):
        end = enrolls()
        response = cancels(end)
        assert (response.status_code, response["Location"]) == (303, end.url)
        assert swept(LATER) == {}
        assert links(sandbox) == 0
        [row] = SentLink.objects.all()
        assert (row.state, row.sealed) == (State.CANCELED, "")
        assert "Your enrollment is canceled" in opened(end)

    def test_needs_the_token_against_forged_requests(self, enrolls):
        end = enrolls()
        forged = Client(enforce_csrf_checks=True).post(end.url)
        assert forged.status_code == 403
        assert SentLink.objects.get().state == State.FINISHING

    def test_is_of_all_promises_for_the_card(self, enrolls, sandbox):
        first, second = enrolls(), enrolls()
        cancels(first)
        assert swept(LATER) == {}
        assert "canceled" in opened(second)

    def test_comes_too_late_once_the_card_is_enrolled(self, enrolls, sandbox):
        end = enrolls()
        swept(LATER)
        cancels(end)
        assert "Your card is enrolled" in opened(end)

    def test_stops_what_is_under_way_from_being_begun_again(self, enrolls, sandbox):
        end = enrolls()
        sandbox.faults.set("link", NOT_MADE)
        assert swept(LATER) == {WAITING: 1}
        cancels(end)
        assert "You asked us to stop. We will not try again." in opened(end)
        sandbox.faults.clear()
        assert swept(2 * QUIET) == {State.CANCELED: 1}
        assert links(sandbox) == 0
        assert "Your enrollment is canceled" in opened(end)

    def test_of_a_link_that_was_under_way_and_took_effect_is_told_as_enrolled(self, enrolls, sandbox):
        end = enrolls()
        sandbox.faults.set("link", NOT_MADE)
        swept(LATER)
        cancels(end)
        sandbox.faults.clear()
        takes_effect_late(sandbox)
        assert swept(2 * QUIET) == {State.LINKED: 1}
        assert "Your card is enrolled" in opened(end)

    def test_at_the_moment_at_which_the_sweep_begins_wins(self, enrolls, sandbox):
        end = enrolls()
        from enrollment_errors.settling.finish import finish

        with time_machine.travel(datetime.now(timezone.utc) + LATER, tick=True):
            row = _take()
            cancels(end)
            assert finish(row) == WAITING
        assert links(sandbox) == 0


class TestFinishing:
    def test_is_counted_and_told_once_under_the_same_reference(self, enrolls, incidents, settled, telemetry):
        end = enrolls()
        assert swept(LATER) == {State.LINKED: 1}
        assert swept(QUIET) == {}
        incidents.flush()
        assert counted()["linked"] == 1
        [(enrollment, result)] = settled
        assert (enrollment.flow, result.outcome, result.reference) == ("senior", Outcome.SUCCESS, end.reference)
        assert Entry.objects.get().reference == end.reference
        assert [record.reference for record in telemetry.records if record.code == "linked"] == [end.reference]
        [row] = SentLink.objects.all()
        assert (row.state, row.sealed, row.next_at) == (State.LINKED, "", None)

    def test_reads_first(self, enrolls, sandbox):
        enrolls()
        sandbox.calls.clear()
        sandbox.requests.clear()
        swept(LATER)
        asked = [sandbox.endpoint_of(request) for request in sandbox.requests]
        assert [endpoint for endpoint in asked if endpoint in ("groups", "link")] == ["groups", "link"]

    def test_keeps_the_expiry_that_was_wanted(self, enrolls, sandbox):
        enrolls(expires=True)
        wanted = datetime.now(timezone.utc) + timedelta(days=366)
        assert swept(LATER) == {State.LINKED: 1}
        [link] = sandbox.state.groups["group-seniors"].links.values()
        assert abs(link.expiry - wanted) < timedelta(days=1)

    def test_links_nothing_where_the_card_is_there_by_then(self, enrolls, sandbox, incidents):
        end = enrolls()
        sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, "group-seniors")
        sandbox.calls.clear()
        assert swept(LATER) == {State.LINKED: 1}
        assert not sandbox.calls["link"]
        assert "Your card is enrolled" in opened(end)
        incidents.flush()
        assert counted()["already_linked"] == 1

    def test_changes_nothing_for_a_card_that_has_the_benefit_by_then(self, enrolls, sandbox, incidents, settled):
        end = enrolls(expires=True)
        later = datetime.now(timezone.utc) + timedelta(days=200)
        sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, "group-seniors", later)
        assert swept(LATER) == {State.LINKED: 1}
        assert "Your card is enrolled" in opened(end)
        incidents.flush()
        assert counted()["reenrollment_too_early"] == 1
        assert settled == []

    def test_is_not_told_again_where_the_rider_came_back_and_enrolled(self, enrolls, rider, incidents, settled):
        end = enrolls()
        assert rider.enrolls().page == "success"
        incidents.flush()
        assert "Your card is enrolled" in opened(end)
        assert swept(LATER) == {}
        assert counted()["linked"] == 1
        assert settled == []

    def test_is_not_told_again_where_that_is_not_counted_yet(self, enrolls, rider, incidents, settled):
        enrolls()
        assert rider.enrolls().page == "success"
        assert swept(LATER) == {State.LINKED: 1}
        incidents.flush()
        assert counted()["linked"] == 1
        assert len(settled) == 1

    def test_is_not_told_again_where_that_was_not_written_down(self, enrolls, rider, incidents, settled):
        end = enrolls()
        with no_journal():  # as if its database were down
            assert rider.enrolls().page == "success"
        assert swept(LATER) == {State.LINKED: 1}
        incidents.flush()
        assert "Your card is enrolled" in opened(end)
        assert counted()["linked"] == 1
        assert settled == []

    def test_of_two_promises_for_a_card_is_told_once(self, enrolls, sandbox, incidents, settled):
        first, second = enrolls(), enrolls()
        assert swept(LATER) == {State.LINKED: 1}
        for end in (first, second):
            assert "Your card is enrolled" in opened(end)
        incidents.flush()
        assert counted()["linked"] == 1
        assert len(settled) == 1
        assert links(sandbox) == 1

    def test_waits_while_the_processor_is_down_with_growing_pauses(self, enrolls, sandbox, incidents):
        end = enrolls()
        sandbox.faults.set("groups", SILENT)
        started = SentLink.objects.get().opened_at
        pauses, at = [], LATER
        for _ in range(6):
            assert swept(at) == {WAITING: 1}
            row = SentLink.objects.get()
            pauses.append(round((row.next_at - started - at).total_seconds() / 60))
            at = row.next_at - started + timedelta(seconds=2)
        assert pauses == [1, 2, 4, 8, 10, 10]
        assert "We will finish this for you" in opened(end)
        sandbox.faults.clear()
        assert swept(at) == {State.LINKED: 1}
        incidents.flush()
        assert counted()["linked"] == 1
        assert sum(counted().values()) == 2

    def test_sends_nothing_while_the_circuit_is_open(self, enrolls, sandbox, site):
        site(BREAKER_FAILURES=1, BREAKER_OPEN=3000)
        enrolls()
        sandbox.calls.clear()
        assert swept(LATER) == {WAITING: 1}
        assert not sandbox.calls
        assert SentLink.objects.get().asked == 0

    def test_lets_one_find_out_for_all_of_an_account_and_another_one_each_round(self, sandbox, incidents, site):
        sandbox.state.add_card("another")
        sandbox.faults.set("link", SILENT)
        for card in (CARD_TOKEN, "another"):
            assert Rider().becomes_eligible(finish_until=until()).enrolls(card).page == "finishing"
        sandbox.faults.set("groups", SILENT)
        sandbox.calls.clear()
        assert swept(LATER) == {WAITING: 1}
        assert sandbox.calls["groups"] == 1
        asked = SentLink.objects.get(asked=1)
        assert SentLink.objects.get(asked=0).next_at < asked.next_at
        sandbox.faults.clear()
        assert swept(LATER + LATER) == {State.LINKED: 2}

    def test_ends_when_its_time_is_over_and_operators_are_told_once(self, enrolls, sandbox, incidents):
        end = enrolls()
        assert swept(6 * HOUR) == {State.NOT_FINISHED: 1}
        assert swept(7 * HOUR) == {}
        assert links(sandbox) == 0
        incidents.flush()
        told = Incident.objects.get(code="link_not_finished")
        assert (told.reference, told.outcome) == (end.reference, "system_error")
        [row] = SentLink.objects.all()
        assert (row.state, row.sealed) == (State.NOT_FINISHED, "")
        assert "We could not enroll your card" in opened(end)

    def test_ends_where_the_processor_refuses_the_card_by_then(self, enrolls, sandbox, incidents):
        end = enrolls()
        sandbox.faults.set("link", REFUSED)
        assert swept(LATER) == {State.NOT_FINISHED: 1}
        incidents.flush()
        assert Incident.objects.filter(reference=end.reference, upstream_status=422).count() == 1

    @pytest.mark.parametrize("status", [401, 403, 429])
    def test_waits_where_the_trouble_is_our_own(self, enrolls, sandbox, status):
        enrolls()
        sandbox.faults.set("link", Fault(kind="status", status=status))
        assert swept(LATER) == {WAITING: 1}
        assert SentLink.objects.get().state == State.FINISHING

    def test_waits_where_the_account_is_gone(self, enrolls, site, settings):
        enrolls()
        [account] = settings.ENROLLMENT_ERRORS["ACCOUNTS"].values()
        site(ACCOUNTS={"another": account})
        assert swept(LATER) == {WAITING: 1}
        site(ACCOUNTS={"littlepay": account})
        assert swept(QUIET) == {State.LINKED: 1}

    def test_ends_where_what_was_kept_cannot_be_read(self, enrolls, incidents):
        enrolls()
        SentLink.objects.update(sealed="")
        assert swept(LATER) == {State.NOT_FINISHED: 1}
        incidents.flush()
        assert counted()["link_not_finished"] == 1

    def test_is_settled_before_it_is_begun_again_where_the_answer_is_lost(self, enrolls, sandbox, incidents, settled):
        end = enrolls()
        sandbox.faults.set("link", NOT_MADE)
        assert swept(LATER) == {WAITING: 1}
        [row] = SentLink.objects.all()
        assert row.state == State.OPEN
        sandbox.faults.clear()
        sandbox.calls.clear()
        assert swept(LATER + SOON) == {WAITING: 1}
        assert not sandbox.calls["link"]
        assert swept(LATER + QUIET) == {WAITING: 1, State.LINKED: 1}
        assert "Your card is enrolled" in opened(end)
        incidents.flush()
        assert counted()["linked"] == 1
        assert len(settled) == 1

    def test_is_settled_where_its_answer_was_lost_and_it_took_effect(self, enrolls, sandbox, incidents, settled):
        end = enrolls()
        sandbox.faults.set("link", NOT_MADE)
        swept(LATER)
        sandbox.faults.clear()
        takes_effect_late(sandbox)
        assert swept(LATER + SOON) == {State.LINKED: 1}
        assert links(sandbox) == 1
        assert "Your card is enrolled" in opened(end)
        incidents.flush()
        assert counted()["linked"] == 1
        assert len(settled) == 1

    def test_is_settled_where_its_sweep_was_killed(self, enrolls, sandbox, incidents, settled):
        end = enrolls()

        class Killed(BaseException):
            pass

        def killed(execute, sql, *arguments):
            if sql.startswith("UPDATE") and State.LINKED in arguments[0]:
                raise Killed
            return execute(sql, *arguments)

        with connection.execute_wrapper(killed), pytest.raises(Killed):
            swept(LATER)
        assert links(sandbox) == 1
        assert swept(LATER + timedelta(minutes=2)) == {State.LINKED: 1}
        assert "Your card is enrolled" in opened(end)
        incidents.flush()
        assert counted()["linked"] == 1
        assert len(settled) == 1

    def test_is_left_to_the_next_sweep_where_the_database_fails(self, enrolls, sandbox, incidents):
        enrolls()

        def fails(execute, sql, *arguments):
            if sql.startswith("UPDATE") and State.LINKED in arguments[0]:
                raise OperationalError
            return execute(sql, *arguments)

        with connection.execute_wrapper(fails), pytest.raises(OperationalError):
            swept(LATER)
        assert swept(LATER + timedelta(minutes=2)) == {State.LINKED: 1}
        incidents.flush()
        assert counted()["linked"] == 1

    def test_waits_while_an_operator_has_switched_enrollment_off(self, enrolls, sandbox, source):
        enrolls()
        sandbox.calls.clear()
        source(SwitchedOff())
        assert swept(LATER) == {WAITING: 1}
        assert not sandbox.calls
        source(availability.Source())
        assert swept(LATER + LATER) == {State.LINKED: 1}

    def test_is_not_begun_by_an_operator_who_asks_what_became_of_it(self, enrolls, sandbox):
        enrolls()
        sandbox.calls.clear()
        with time_machine.travel(datetime.now(timezone.utc) + LATER, tick=True):
            assert ask_now(SentLink.objects.get()) is None
        assert not sandbox.calls

    def test_counts_for_a_site_that_keeps_no_incidents(self, enrolls, site, rider):
        site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])
        end = enrolls()
        assert rider.enrolls().page == "success"
        assert "Your card is enrolled" in opened(end)
        assert swept(LATER) == {}

    def test_is_told_by_nobody_twice_where_another_has_ended_it(self, enrolls, incidents):
        from enrollment_errors.settling.finish import finish

        enrolls()
        row = SentLink.objects.get()
        SentLink.objects.update(state=State.LINKED)
        with time_machine.travel(datetime.now(timezone.utc) + 6 * HOUR, tick=True):
            assert finish(row) == WAITING
        incidents.flush()
        assert "link_not_finished" not in counted()
