"""The app writes a link down before it sends it, and lets it go when it knows the outcome."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from enrollment_errors import conf
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.settling.sealing import unsealed
from tests.rider import CARD_TOKEN
from tests.waiting import wait_until

from .conftest import LOST, SILENT, counted, killed_at, swept


def kept():
    return list(SentLink.objects.values_list("reference", "state"))


class TestARowIsThere:
    def test_after_an_answer_that_is_lost_under_the_reference_that_the_rider_was_shown(self, hangs_up):
        reference = hangs_up()
        [row] = SentLink.objects.all()
        assert (row.reference, row.state, row.account, row.agency) == (reference, State.OPEN, "littlepay", "mountain")
        assert (row.flow, row.method, row.asked) == ("senior", "self_service", 0)

    def test_with_all_that_settling_it_takes(self, hangs_up, sandbox):
        hangs_up()
        known = unsealed(SentLink.objects.get().sealed)
        assert known.link.funding_source.id == sandbox.state.card(CARD_TOKEN).id
        assert (known.link.group_id, known.link.expires_at) == ("group-seniors", None)
        assert known.enrollment.agency.name == "Mountain Valley Transit"
        assert known.origin.path == "/enrollment/"

    def test_until_the_success_is_counted(self, rider, incidents):
        assert rider.enrolls().page == "success"
        assert SentLink.objects.count() == 1
        incidents.flush()
        assert SentLink.objects.count() == 0
        assert counted() == {"linked": 1}

    def test_no_longer_than_the_request_where_the_site_keeps_no_incidents(self, rider, site):
        site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])
        assert rider.enrolls().page == "success"
        assert SentLink.objects.count() == 0

    def test_no_longer_than_the_request_where_the_link_was_refused(self, rider, sandbox):
        sandbox.faults.set("link", Fault(kind="status", status=403))
        assert rider.enrolls().page == "server_error"
        assert SentLink.objects.count() == 0

    def test_of_each_page_that_still_checks_and_one_success_lets_all_of_them_go(
        self, rider, hangs_up, sandbox, incidents
    ):
        hangs_up()
        sandbox.faults.set("groups", Fault(kind="status", status=503))
        second = rider.enrolls()
        assert second.page == "still_checking"
        assert {reference for reference, _ in kept()} >= {second.reference}
        assert len(kept()) == 2
        sandbox.faults.clear()
        assert rider.checks_again(second).page == "success"
        incidents.flush()
        assert kept() == []
        assert counted()["linked"] == 1


class TestARiderWhoseWorkerWasKilled:
    @pytest.mark.parametrize("statement", ["SELECT", "UPDATE"])
    def test_over_a_check_is_counted_by_the_sweep_though_nobody_learned_of_the_new_reference(
        self, rider, sandbox, incidents, statement
    ):
        sandbox.faults.set("link", LOST)
        sandbox.faults.set("groups", SILENT)
        still_checking = rider.enrolls()
        sandbox.faults.clear()

        with killed_at(statement, "enrollment_settling"):
            rider.checks_again(still_checking)
        assert rider.enrolls().page == "success"
        incidents.take()  # they die with the worker
        swept()
        assert counted()["linked"] == 1
        assert not SentLink.objects.filter(state=State.OPEN)

    def test_is_not_told_that_no_card_was_enrolled_while_it_may_have_been(self, rider, incidents, sandbox):
        assert rider.enrolls().page == "success"
        incidents.take()  # they die with the worker, and its answer never reached the rider
        for name in [name for name in rider.client.cookies if name.startswith("enrollment")]:
            del rider.client.cookies[name]
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        end = rider.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        assert rider.checks_again(end).page == "success"

    def test_is_told_so_where_the_link_was_for_another_benefit(self, rider, incidents, sandbox):
        assert rider.enrolls().page == "success"
        incidents.take()
        sandbox.state.add_group("group-veterans")
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        rider.becomes_eligible(group="group-veterans")
        assert rider.enrolls().page == "system_error"

    def test_is_told_so_where_nothing_of_it_can_be_read(self, rider, incidents, sandbox):
        assert rider.enrolls().page == "success"
        SentLink.objects.update(sealed="")
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        assert rider.enrolls("another-card").page == "system_error"


class TestADump:
    def test_has_no_funding_source_and_no_group_and_no_card_token(self, hangs_up, sandbox):
        hangs_up()
        source = sandbox.state.card(CARD_TOKEN).id
        out = io.StringIO()
        call_command("dumpdata", stdout=out)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM enrollment_settling_sentlink")
            raw = out.getvalue() + repr(cursor.fetchall())
        assert "enrollment_settling.sentlink" in raw
        for secret in (source, CARD_TOKEN, "group-seniors"):
            assert secret not in raw

    def test_is_readable_with_the_key_before_and_not_without(self, hangs_up, settings):
        hangs_up()
        [sealed] = SentLink.objects.values_list("sealed", flat=True)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key " * 4
        assert unsealed(sealed) is not None
        settings.SECRET_KEY_FALLBACKS = []
        assert unsealed(sealed) is None

    def test_has_nothing_sealed_once_a_link_has_ended_and_no_row_after_the_days_that_incidents_are_kept(self, hangs_up):
        hangs_up()
        assert swept()[State.LINKED] == 1
        [row] = SentLink.objects.all()
        assert (row.state, row.sealed, row.next_at) == (State.LINKED, "", None)
        swept(timedelta(days=89))
        assert SentLink.objects.count() == 1
        swept(timedelta(days=91))
        assert SentLink.objects.count() == 0

    def test_is_pruned_with_the_incidents(self, hangs_up, capsys):
        hangs_up()
        swept()
        SentLink.objects.update(ended_at=timezone.now() - timedelta(days=91))
        call_command("prune_enrollments")
        assert "Deleted 1 settled link that ended" in capsys.readouterr().out
        assert SentLink.objects.count() == 0


@pytest.mark.django_db(transaction=True)
class TestWithoutTheDatabase:
    @pytest.fixture
    def no_table(self, incidents):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE enrollment_settling_sentlink RENAME TO gone")
        yield
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO enrollment_settling_sentlink")

    def test_riders_enroll_and_operators_are_told_once(self, rider, incidents, sandbox, caplog, no_table):
        other = sandbox.state.add_card("another")
        assert other
        assert rider.enrolls().page == "success"
        assert rider.enrolls("another").page == "success"
        assert [record.levelname for record in caplog.records if "written down" in record.getMessage()] == ["ERROR"]
        incidents.flush()
        assert counted() == {"linked": 2}

    def test_one_rider_waits_for_a_database_that_hangs_and_the_next_ones_do_not(self, rider, sandbox, no_table):
        asked = []

        def slowly(execute, sql, *arguments):
            if "enrollment_settling" in sql:
                asked.append(sql)
                time.sleep(0.5)
            return execute(sql, *arguments)

        sandbox.state.add_card("another")
        with connection.execute_wrapper(slowly):
            assert rider.enrolls().page == "success"
            assert rider.enrolls("another").page == "success"
        assert len(asked) == 1

    def test_operators_are_not_told_again_when_it_is_asked_again_and_still_fails(self, journal, caplog):
        asked = []

        def fails(execute, sql, *arguments):
            asked.append(sql)
            raise OperationalError

        def is_asked_again():
            journal.open_links("anybody")
            return len(asked) > 1

        with connection.execute_wrapper(fails):
            wait_until(is_asked_again, "the second question")
        assert [record.levelname for record in caplog.records if "written down" in record.getMessage()] == ["ERROR"]

    def test_operators_are_told_when_it_is_back(self, rider, journal, caplog):
        with connection.execute_wrapper(Broken()):
            rider.enrolls()

        def are_told():
            journal.open_links("anybody")
            return [record.levelname for record in caplog.records if "written down" in record.getMessage()][1:]

        assert wait_until(are_told) == ["WARNING"]

    def test_a_success_that_the_rider_checked_for_is_counted_whatever_the_sweep_does_first(
        self, rider, sandbox, incidents
    ):
        sandbox.faults.set("link", LOST)
        sandbox.faults.set("groups", SILENT)
        still_checking = rider.enrolls()
        sandbox.faults.clear()

        def fails(execute, sql, *arguments):
            if sql.startswith("UPDATE") and "enrollment_settling" in sql:
                raise OperationalError
            return execute(sql, *arguments)

        with connection.execute_wrapper(fails):
            assert rider.checks_again(still_checking).page == "success"
        swept()
        incidents.flush()
        assert counted()["linked"] == 1
        assert not SentLink.objects.filter(state=State.OPEN)

    def test_a_connection_from_before_a_restart_is_opened_again(self, rider, sandbox, caplog, monkeypatch):
        monkeypatch.setattr(connection, "is_usable", lambda: False)
        with connection.execute_wrapper(Broken(times=1)):
            assert rider.enrolls().page == "success"
        assert SentLink.objects.count() == 1
        assert "written down" not in caplog.text


class Broken:
    """The table's queries fail, that many times."""

    def __init__(self, times: int = 1000) -> None:
        self.left = times

    def __call__(self, execute, sql, *arguments):
        if "enrollment_settling" in sql and self.left:
            self.left -= 1
            raise OperationalError
        return execute(sql, *arguments)
