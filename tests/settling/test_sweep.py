"""What the sweep does with links whose outcome nobody knows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import time_machine
from django.core.cache import cache
from django.db import OperationalError, connection

from enrollment_errors import conf
from enrollment_errors.incidents.models import Incident
from enrollment_errors.outcomes import Outcome
from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.settling.sweep import _settle, _take
from enrollment_errors.settling.swept import WAITING
from tests import site as test_site
from tests.rider import CARD_TOKEN, Rider

from .conftest import LOST, NOT_MADE, QUIET, SILENT, SOON, counted, swept


@pytest.fixture
def settled(monkeypatch):
    """The calls of the site's hook."""
    told = []
    monkeypatch.setattr(test_site.TestAdapter, "on_settled", lambda self, *args: told.append(args))
    return told


class TestALinkThatWasMade:
    def test_is_told_and_counted_once_and_the_site_hears_of_it(self, hangs_up, settled, incidents, telemetry):
        reference = hangs_up()
        assert swept() == {State.LINKED: 1}
        assert swept(QUIET) == {}
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "linked": 1}
        [(enrollment, result)] = settled
        assert (enrollment.flow, enrollment.agency.slug) == ("senior", "mountain")
        assert (result.outcome, result.reference, result.card_scheme) == (Outcome.SUCCESS, reference, "visa")
        assert [record.code for record in telemetry.records] == ["link_answer_lost", "linked"]
        assert telemetry.records[1].reference == reference

    def test_is_counted_once_though_the_rider_checks_again_before_the_count_is_written(self, hangs_up, incidents):
        hangs_up()
        swept()
        row = SentLink.objects.get()
        row.pk, row.state = None, State.OPEN  # the row of the check, which has only begun
        row.save()
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "linked": 1}

    def test_is_asked_about_with_one_call_and_sent_nothing(self, hangs_up, sandbox):
        hangs_up()
        sandbox.calls.clear()
        swept()
        assert {name: count for name, count in sandbox.calls.items() if name != "authorization"} == {"groups": 1}

    @pytest.fixture
    def end(self, rider, sandbox):
        """The page that the rider has been on ever since the answer was lost."""
        sandbox.faults.set("link", LOST)
        sandbox.faults.set("groups", SILENT)
        end = rider.enrolls()
        sandbox.faults.clear()
        return end

    def test_is_not_told_again_to_a_rider_who_checks_again_later(self, end, rider, incidents, settled):
        assert swept() == {State.LINKED: 1}
        cache.clear()
        assert rider.checks_again(end).page == "success"
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "linked": 1}
        assert len(settled) == 1

    def test_is_left_to_a_rider_who_has_checked_again_before(self, end, rider, incidents, settled):
        assert rider.checks_again(end).page == "success"
        [row] = SentLink.objects.filter(reference=end.reference)
        with time_machine.travel(datetime.now(timezone.utc) + SOON, tick=True):
            assert _settle(row) == State.LINKED  # before the success was counted
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "linked": 1}
        assert settled == []
        assert list(SentLink.objects.values_list("reference", "state")) == [(end.reference, State.LINKED)]

    def test_is_counted_where_its_worker_was_killed_before_it_was(self, rider, incidents, settled):
        assert rider.enrolls().page == "success"
        incidents.take()  # they die with the worker
        assert swept() == {State.LINKED: 1}
        incidents.flush()
        assert counted() == {"linked": 1}
        assert len(settled) == 1

    def test_is_counted_once_where_the_count_comes_late(self, rider, incidents):
        assert rider.enrolls().page == "success"
        assert swept() == {State.LINKED: 1}
        incidents.flush()
        incidents.flush()
        assert counted() == {"linked": 1}

    def test_ends_where_the_site_keeps_no_incidents(self, hangs_up, site, settled):
        hangs_up()
        site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])
        assert swept() == {State.LINKED: 1}
        assert len(settled) == 1
        assert counted() == {}

    def test_ends_whatever_the_sites_hook_raises(self, hangs_up, monkeypatch, caplog):
        def broken(self, enrollment, result):
            raise ZeroDivisionError

        monkeypatch.setattr(test_site.TestAdapter, "on_settled", broken)
        hangs_up()
        assert swept() == {State.LINKED: 1}
        assert "failed in Adapter.on_settled: ZeroDivisionError" in caplog.text

    def test_is_settled_by_the_next_sweep_where_the_database_fails(self, hangs_up, incidents):
        hangs_up()

        def fails(execute, sql, *arguments):
            if sql.startswith("UPDATE") and '"state"' in sql:
                raise OperationalError
            return execute(sql, *arguments)

        with connection.execute_wrapper(fails), pytest.raises(OperationalError):
            swept()
        assert swept(SOON + timedelta(minutes=2)) == {State.LINKED: 1}
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "linked": 1}

    def test_ends_for_a_site_without_the_hook(self, hangs_up):
        hangs_up()
        assert swept() == {State.LINKED: 1}


class TestALinkThatWasNotMade:
    def test_ends_once_no_request_can_be_at_work_and_operators_are_told(self, hangs_up, incidents, sandbox, settled):
        reference = hangs_up(NOT_MADE)
        assert swept() == {WAITING: 1}
        assert swept(timedelta(minutes=4)) == {}
        sandbox.calls.clear()
        assert swept(QUIET) == {State.NOT_LINKED: 1}
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "link_not_made": 1}
        told = Incident.objects.get(code="link_not_made")
        assert (told.reference, told.outcome, told.account) == (reference, "system_error", "littlepay")
        assert sandbox.calls["link"] == 0
        assert settled == []

    def test_is_not_given_up_while_a_later_request_of_the_rider_may_be_at_work(self, hangs_up, rider, sandbox):
        hangs_up(NOT_MADE)
        SentLink.objects.update(opened_at=SentLink.objects.get().opened_at - QUIET)
        sandbox.faults.set("groups", SILENT)
        assert rider.enrolls().page == "still_checking"
        sandbox.faults.clear()
        assert swept() == {WAITING: 2}
        assert swept(QUIET)[State.NOT_LINKED] == 1
        assert set(SentLink.objects.values_list("state", flat=True)) == {State.NOT_LINKED}

    def test_can_be_made_by_the_rider_afterwards(self, hangs_up, rider, sandbox, incidents):
        hangs_up(NOT_MADE)
        swept(QUIET)
        assert Rider().becomes_eligible().enrolls().page in ("success", "still_checking")

    def test_is_one_where_the_card_has_another_expiry_than_was_wanted(self, hangs_up, rider, sandbox):
        rider.becomes_eligible(expires=True)
        hangs_up(NOT_MADE)
        sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, "group-seniors")
        assert swept(QUIET) == {State.NOT_LINKED: 1}


class TestALinkOfWhichNobodyCanSay:
    def test_is_asked_about_with_growing_pauses_and_then_given_up(self, hangs_up, sandbox, incidents):
        reference = hangs_up()
        opened_at = SentLink.objects.get().opened_at
        sandbox.faults.set("groups", SILENT)
        pauses, at = [], SOON
        while swept(at) == {WAITING: 1}:
            row = SentLink.objects.get()
            pauses.append(round((row.next_at - opened_at - at).total_seconds() / 60))
            at = row.next_at - opened_at + timedelta(seconds=1)
        assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert timedelta(hours=24) <= at < timedelta(hours=26)
        [row] = SentLink.objects.all()
        assert (row.state, row.sealed) == (State.EXPIRED, "")
        incidents.flush()
        assert counted() == {"link_answer_lost": 1, "link_never_settled": 1}
        told = Incident.objects.get(code="link_never_settled")
        assert (told.reference, told.outcome, told.upstream_status) == (reference, "unknown", 503)

    def test_is_not_called_for_while_the_circuit_is_open(self, hangs_up, sandbox, site):
        site(BREAKER_FAILURES=1, BREAKER_OPEN=3000)
        reference = hangs_up()
        assert reference
        sandbox.calls.clear()
        assert swept() == {WAITING: 1}
        assert not sandbox.calls
        assert SentLink.objects.get().asked == 0

    def test_is_asked_about_again_where_the_account_is_gone_or_its_processor_is_broken(self, hangs_up, site, settings):
        hangs_up()
        [account] = settings.ENROLLMENT_ERRORS["ACCOUNTS"].values()
        site(ACCOUNTS={"another": account})
        assert swept() == {WAITING: 1}
        site(ACCOUNTS={"littlepay": account})
        assert swept(QUIET) == {State.LINKED: 1}

    @pytest.mark.parametrize("sealed", ["nothing that we have written", ""])
    def test_is_given_up_at_once_where_it_cannot_be_read(self, hangs_up, incidents, sealed):
        reference = hangs_up()
        SentLink.objects.update(sealed=sealed)
        assert swept() == {State.EXPIRED: 1}
        incidents.flush()
        told = Incident.objects.get(code="link_never_settled")
        assert (told.reference, told.account, told.agency, told.flow) == (reference, "littlepay", "mountain", "senior")

    def test_is_given_up_where_another_version_has_sealed_it(self, hangs_up):
        from enrollment_errors.encryption import encrypt

        hangs_up()
        SentLink.objects.update(sealed=encrypt("{}", purpose="settling"))
        assert swept() == {State.EXPIRED: 1}


class TestSweepsAtTheSameTime:
    def test_share_the_rows(self, hangs_up):
        hangs_up()
        assert swept() == {State.LINKED: 1}
        assert swept() == {}

    def test_leave_the_row_of_one_that_is_at_work_and_take_that_of_one_that_was_killed(self, hangs_up):
        hangs_up()
        with time_machine.travel(datetime.now(timezone.utc) + SOON, tick=True):
            assert _take() is not None  # and then its process is killed
        assert swept(SOON + timedelta(seconds=30)) == {}
        assert swept(SOON + timedelta(minutes=2)) == {State.LINKED: 1}

    def test_look_for_another_row_where_one_has_been_taken_meanwhile(self, hangs_up):
        hangs_up()
        taken = []

        def taken_by_another(execute, sql, *arguments):
            if sql.startswith("UPDATE") and not taken:
                taken.append(sql)
                SentLink.objects.update(next_at=datetime.now(timezone.utc) + QUIET)
            return execute(sql, *arguments)

        with connection.execute_wrapper(taken_by_another):
            assert swept() == {}
        assert taken


class TestARowWhoseRequestComesToItsEndMeanwhile:
    """The sweep has already asked the processor, and then the row is gone."""

    @pytest.fixture
    def settles_late(self):
        def settle(after):
            row = SentLink.objects.get()
            SentLink.objects.all().delete()
            with time_machine.travel(datetime.now(timezone.utc) + after, tick=True):
                return _settle(row)

        return settle

    def test_is_not_told_again_where_the_link_is_there(self, hangs_up, settles_late, settled, incidents):
        hangs_up()
        assert settles_late(SOON) == State.LINKED
        incidents.flush()
        assert settled == []
        assert counted() == {"link_answer_lost": 1}

    def test_is_not_told_as_not_linked(self, hangs_up, settles_late, incidents):
        hangs_up(NOT_MADE)
        assert settles_late(QUIET) == WAITING
        incidents.flush()
        assert counted() == {"link_answer_lost": 1}

    def test_is_not_told_as_not_known(self, hangs_up, settles_late, incidents, sandbox):
        hangs_up()
        sandbox.faults.set("groups", SILENT)
        assert settles_late(timedelta(hours=25)) == WAITING
        incidents.flush()
        assert counted() == {"link_answer_lost": 1}
