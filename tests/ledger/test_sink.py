"""From a rider's success to the row in an agency's report, over real HTTP and in a real database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from enrollment_errors.ledger import database
from enrollment_errors.ledger.database import EntrySender, sender, store
from enrollment_errors.ledger.models import Entry
from enrollment_errors.ledger.sink import LedgerSink
from enrollment_errors.reporting.background import Undelivered
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.reporting.reports import new_enrollment, new_origin, new_report, new_success
from tests.rider import CARD_TOKEN, End, Rider, Telemetry
from tests.waiting import wait_until

from .conftest import AT, facts


def reference_of(end: End) -> str:
    """The success page does not show its reference, but its address has it."""
    return end.url.partition("reference=")[2][:11]


class TestAnEntry:
    def test_of_a_success_has_everything_but_the_rider(self, rider: Rider) -> None:
        end = rider.enrolls()

        entry = Entry.objects.get()
        assert timezone.now() - entry.at < timedelta(seconds=30)
        kept = {name: getattr(entry, name) for name in vars(entry) if name not in ("_state", "id", "at", "day")}
        assert kept == {
            "reference": reference_of(end),
            "agency": "mountain",
            "flow": "senior",
            "method": "self_service",
            "verified_by": "",
            "account": "littlepay",
            "group_id": "group-seniors",
            "code": "linked",
            "expires_at": None,
        }

    def test_of_an_enrollment_in_person_says_under_an_id_who_enrolled(self, db: None) -> None:
        LedgerSink().send(new_success(origin=new_origin(verified_by="5d41402abc4b2a76b9719d911017c592")))
        assert Entry.objects.get().verified_by == "5d41402abc4b2a76b9719d911017c592"

    def test_of_a_benefit_that_expires_says_when(self, rider: Rider, sandbox: SandboxServer) -> None:
        rider.becomes_eligible(expires=True)

        assert rider.enrolls().page == "success"

        [link] = sandbox.state.groups["group-seniors"].links.values()
        assert Entry.objects.get().expires_at == link.expiry

    def test_is_there_once_however_often_the_rider_sends_the_form(self, rider: Rider) -> None:
        rider.opens_the_page()
        assert [rider.sends_the_form().page for _ in range(2)] == ["success", "success"]

        assert Entry.objects.count() == 1

    def test_is_there_once_however_often_it_is_told(self, waiting: EntrySender) -> None:
        for _ in range(2):
            LedgerSink().send(new_success())
        LedgerSink().send(new_success(enrollment=new_enrollment(group_id="group-veterans")))

        assert Entry.objects.count() == 2

    def test_belongs_to_a_day_of_the_sites_time_zone(self, db: None) -> None:
        LedgerSink().send(new_success(at=AT + timedelta(hours=6)))  # 8 p.m. in Los Angeles

        assert str(Entry.objects.get().day) == "2026-11-21"

    def test_has_names_no_longer_than_their_columns(self, db: None) -> None:
        LedgerSink().send(new_success(enrollment=new_enrollment(flow="f" * 500, group_id="g" * 500)))

        entry = Entry.objects.get()
        entry.full_clean()
        assert entry.flow == "f" * 100


class TestNothing:
    @pytest.mark.parametrize("fault", [Fault(kind="status", status=503), Fault(kind="status", status=400)])
    def test_is_written_of_a_failure(self, rider: Rider, sandbox: SandboxServer, fault: Fault) -> None:
        sandbox.faults.set("link", fault, fault, fault)

        assert rider.enrolls().page != "success"

        assert not Entry.objects.exists()

    def test_is_written_of_what_is_no_end(self, rider: Rider) -> None:
        rider.tells("started")
        LedgerSink().send(new_report(enrollment=None, outcome=None))
        LedgerSink().send(new_success(enrollment=None))

        assert not Entry.objects.exists()

    def test_of_the_rider_is_in_a_row(self, rider: Rider, sandbox: SandboxServer) -> None:
        rider.enrolls()

        rows = str(list(Entry.objects.values()))
        [source] = sandbox.state.funding_sources
        for secret in (CARD_TOKEN, source, sandbox.state.client_secret, *sandbox.state.api_tokens):
            assert secret not in rows


class TestADatabaseThatFails:
    def test_does_the_rider_no_harm_and_gets_the_row_later(
        self, rider: Rider, waiting: EntrySender, no_table: Callable[[], None], telemetry: Telemetry
    ) -> None:
        end = rider.enrolls()
        assert end.page == "success"
        no_table()

        waiting.flush()

        assert Entry.objects.get().reference == reference_of(end)
        assert waiting.waiting() == 0

    def test_is_told_to_operators_with_all_that_the_row_holds(
        self,
        rider: Rider,
        waiting: EntrySender,
        no_table: Callable[[], None],
        telemetry: Telemetry,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        end = rider.enrolls()
        no_table()

        telemetry.settle(amplitude=1)
        [event] = telemetry.sentry
        assert event["message"] == "The ledger could not be written (OperationalError)."
        assert event["tags"]["enrollment.reference"] == reference_of(end)
        [record] = [record for record in caplog.records if record.getMessage().startswith("The ledger")]
        assert (record.levelno, record.ledger_group_id, record.ledger_reference) == (  # type: ignore[attr-defined]
            logging.ERROR,
            "group-seniors",
            reference_of(end),
        )

    def test_leaves_the_transaction_of_the_caller_whole(
        self, waiting: EntrySender, no_table: Callable[[], None], django_user_model: Any
    ) -> None:
        with transaction.atomic():
            LedgerSink().send(new_success())
            django_user_model.objects.create_user("somebody")
        no_table()

        assert django_user_model.objects.exists()

    def test_is_tried_until_it_takes_the_row(self, waiting: EntrySender, no_table: Callable[[], None]) -> None:
        LedgerSink().send(new_success())
        for _ in range(2):
            with pytest.raises(Undelivered):
                waiting.flush()
        LedgerSink().send(new_success(reference="4FW-GXR-2CC"))
        no_table()

        waiting.flush()

        assert set(Entry.objects.values_list("reference", flat=True)) == {"H7P-2QX-9MR", "4FW-GXR-2CC"}

    def test_that_refuses_the_facts_themselves_is_not_asked_again(
        self, waiting: EntrySender, caplog: pytest.LogCaptureFixture
    ) -> None:
        waiting.put({**facts(), "day": "no day"})

        with pytest.raises(ValidationError):
            waiting.flush()

        assert waiting.waiting() == 0
        assert "Entries of the ledger are dropped: ValidationError" in caplog.text

    def test_is_not_waited_for_without_bounds(
        self, waiting: EntrySender, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(database, "MOST_WAITING", 1)

        for _ in range(2):
            waiting.put(facts())

        assert waiting.waiting() == 1
        assert "there is no room for more" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_written_by_a_thread_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enrollment_errors.reporting.background.BATCH_SECONDS", 0.02)

    sender().put(facts())

    # Do not query before: SQLite in memory refuses to read while another thread writes.
    wait_until(lambda: EntrySender.thread_name not in [thread.name for thread in threading.enumerate()])
    assert Entry.objects.exists()


def test_a_row_that_is_there_is_left_as_it_is(db: None) -> None:
    store([facts()])
    store([facts(code="renewed"), facts(reference="4FW-GXR-2CC")])

    assert list(Entry.objects.order_by("pk").values_list("code", flat=True)) == ["linked", "linked"]


def test_nothing_is_stored_of_nothing(waiting: EntrySender) -> None:
    waiting.flush()

    assert not Entry.objects.exists()


def test_the_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize(("model", "named"), [("entry", {"view_entry"}), ("unlink", {"view_unlink", "unlink_card"})])
def test_nobody_can_be_permitted_to_change_what_happened(model: str, named: set[str], db: None) -> None:
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__model=model)
    assert {permission.codename for permission in permissions} == named
