"""How incidents get into the database: up to a limit, outside of the rider's request, and with all losses counted."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import override

from enrollment_errors.incidents import buffer
from enrollment_errors.incidents.buffer import End, IncidentSender
from enrollment_errors.incidents.models import DayCount, Ending, Incident, MinuteCount
from enrollment_errors.reporting import background
from enrollment_errors.reporting.background import Undelivered
from tests.waiting import wait_until

from .conftest import AT, facts, success


def counted() -> list[tuple[str, int, int]]:
    return list(DayCount.objects.order_by("ending__code").values_list("ending__code", "count", "unlisted"))


@pytest.fixture
def on_demand(db: None) -> IncidentSender:
    return IncidentSender(background=False)


@pytest.fixture
def no_table() -> Iterator[Callable[[], None]]:
    """The database fails, as it does before the migrations have run, until the test calls this function."""

    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    broken = True
    table = MinuteCount._meta.db_table
    rename(table, "gone")

    def mend() -> None:
        nonlocal broken
        if broken:
            rename("gone", table)
            broken = False

    yield mend
    mend()


class TestASuccessThatTheJournalKeeps:
    def test_is_counted_as_another(self, on_demand: IncidentSender) -> None:
        on_demand.put(End(success(), kept_as="link"))
        assert on_demand.waiting() == 1
        on_demand.flush()
        assert counted() == [("linked", 1, 0)]

    def test_waits_as_others_do_while_the_database_is_down(
        self, on_demand: IncidentSender, no_table: Callable[[], None]
    ) -> None:
        on_demand.put(End(success(), kept_as="link"))
        with pytest.raises(Undelivered), transaction.atomic():
            on_demand.flush()
        no_table()
        on_demand.flush()
        assert counted() == [("linked", 1, 0)]

    def test_too_many_are_left_to_the_journal(self, on_demand: IncidentSender, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(buffer, "MOST_WAITING", 1)
        odd = success(code="already_linked_elsewhere")
        for _ in range(3):
            on_demand.put(End(odd, kept_as="link"))
        monkeypatch.setattr(buffer, "MOST_WAITING", 2)
        on_demand.put(End(odd, kept_as="link"))
        on_demand.flush()
        assert counted() == [("already_linked_elsewhere", 2, 0)]

    def test_one_too_many_to_list_is_counted_all_the_same(
        self, on_demand: IncidentSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_demand.put(End(success(code="already_linked_elsewhere"), counted_only=True, kept_as="link"))
        on_demand.flush()
        assert counted() == [("already_linked_elsewhere", 1, 0)]
        assert not Incident.objects.exists()


class TestCounting:
    def test_ends_of_one_kind_within_a_minute_are_one_count(self, on_demand: IncidentSender) -> None:
        for second in (0, 5, 9):
            on_demand.put(End(success(at=AT + timedelta(seconds=second))))
        on_demand.flush()

        count = MinuteCount.objects.get()
        assert (count.count, count.ending.first_at, count.last_at) == (3, AT, AT + timedelta(seconds=9))

    def test_each_minute_is_a_count_of_one_ending_and_one_day(self, on_demand: IncidentSender) -> None:
        for minute in (1, 0, 2):
            on_demand.put(End(facts(at=AT + timedelta(minutes=minute)), minute == 2))
        on_demand.flush()

        assert MinuteCount.objects.count() == 3
        day = DayCount.objects.get()
        assert (day.count, day.unlisted, day.last_at) == (3, 1, AT + timedelta(minutes=2))
        assert day.ending.first_at == AT

    def test_a_day_goes_on_with_what_is_written_later(self, on_demand: IncidentSender) -> None:
        for minute in (1, 2, 0):
            on_demand.put(End(facts(at=AT + timedelta(minutes=minute)), minute == 0))
            on_demand.flush()

        day = DayCount.objects.get()
        assert (day.count, day.unlisted, day.last_at) == (3, 1, AT + timedelta(minutes=2))

    def test_a_day_is_one_of_the_sites_time_zone_wherever_the_rider_is(self, on_demand: IncidentSender) -> None:
        with override("Asia/Tokyo"):
            for hours in (9, 10):  # 23:05 in Los Angeles, and 00:05
                on_demand.put(End(facts(at=AT + timedelta(hours=hours))))
                on_demand.flush()

        assert list(DayCount.objects.order_by("day").values_list("day", flat=True)) == [
            date(2026, 11, 21),
            date(2026, 11, 22),
        ]

    def test_an_ending_has_come_first_when_the_oldest_of_it_came_however_late_that_is_written(
        self, on_demand: IncidentSender
    ) -> None:
        for minutes in (0, -30, 5):
            on_demand.put(End(facts(at=AT + timedelta(minutes=minutes))))
            on_demand.flush()

        assert Ending.objects.get().first_at == AT - timedelta(minutes=30)

    @pytest.mark.parametrize(
        "change",
        [
            {"outcome": "unknown"},
            {"processor": "switchio"},
            {"account": "harbor-account"},
            {"agency": "harbor"},
            {"flow": "veteran"},
            {"method": "in_person"},
            {"stage": "lookup"},
            {"code": "processor_timeout"},
            {"upstream_status": None},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_whatever_an_operator_may_ask_for_is_counted_apart(
        self, on_demand: IncidentSender, change: dict[str, object]
    ) -> None:
        on_demand.put(End(facts()))
        on_demand.put(End(facts(**change)))
        on_demand.flush()

        assert Ending.objects.count() == DayCount.objects.count() == 2

    def test_a_count_says_of_what_it_is(self, on_demand: IncidentSender) -> None:
        on_demand.put(End(facts()))
        on_demand.flush()

        assert str(MinuteCount.objects.get()) == "1 × processor_error"

    def test_what_has_been_written_is_not_written_again(self, on_demand: IncidentSender) -> None:
        on_demand.put(End(facts()))
        on_demand.flush()
        on_demand.flush()

        assert Incident.objects.count() == 1


class TestTheBound:
    def test_what_is_only_counted_is_no_row(self, on_demand: IncidentSender) -> None:
        for number in range(500):
            on_demand.put(End(facts(), number >= 20))
        on_demand.flush()

        assert Incident.objects.count() == 20
        assert counted() == [("processor_error", 500, 480)]

    def test_a_success_is_none_of_those_that_are_not_listed(self, on_demand: IncidentSender) -> None:
        on_demand.put(End(success(), True))
        on_demand.flush()

        assert counted() == [("linked", 1, 0)]


@pytest.mark.django_db(transaction=True)
class TestAnOutage:
    def test_what_could_not_be_written_is_written_later(
        self, on_demand: IncidentSender, no_table: Callable[[], None]
    ) -> None:
        on_demand.put(End(facts(reference="H7P-2QX-9MR")))
        with pytest.raises(Undelivered):
            on_demand.flush()
        on_demand.put(End(facts(reference="4FW-GXR-2CC", at=AT + timedelta(seconds=9))))
        on_demand.put(End(facts(code="processor_timeout", outcome="unknown"), True))

        no_table()
        on_demand.flush()

        assert list(Incident.objects.values_list("reference", flat=True).order_by("id")) == [
            "H7P-2QX-9MR",
            "4FW-GXR-2CC",
        ]
        assert counted() == [("processor_error", 2, 0), ("processor_timeout", 1, 1)]
        assert DayCount.objects.get(ending__code="processor_error").last_at == AT + timedelta(seconds=9)

    def test_what_comes_while_it_could_not_be_written_is_added_to_it(
        self, on_demand: IncidentSender, no_table: Callable[[], None]
    ) -> None:
        later = iter([(facts(at=AT + timedelta(seconds=9)), False), (facts(code="processor_timeout"), True)])

        def rider_meanwhile(execute: Callable[..., object], *query: object) -> object:
            for one, counted_only in later:
                on_demand.put(End(one, counted_only))
            return execute(*query)

        on_demand.put(End(facts()))
        with connection.execute_wrapper(rider_meanwhile), pytest.raises(Undelivered):
            on_demand.flush()

        no_table()
        on_demand.flush()

        assert counted() == [("processor_error", 2, 0), ("processor_timeout", 1, 1)]
        assert DayCount.objects.get(ending__code="processor_error").last_at == AT + timedelta(seconds=9)

    def test_of_a_long_one_a_bounded_number_of_incidents_is_kept_and_the_rest_counted(
        self, monkeypatch: pytest.MonkeyPatch, on_demand: IncidentSender, no_table: Callable[[], None]
    ) -> None:
        monkeypatch.setattr(buffer, "MOST_WAITING", 10)
        for _ in range(3):
            for _ in range(8):
                on_demand.put(End(facts()))
            with pytest.raises(Undelivered):
                on_demand.flush()

        no_table()
        on_demand.flush()

        assert Incident.objects.count() == 10
        assert counted() == [("processor_error", 24, 14)]

    def test_it_is_logged_once_and_so_is_its_end(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, no_table: Callable[[], None]
    ) -> None:
        monkeypatch.setattr(background, "BATCH_SECONDS", 0.01)
        monkeypatch.setattr(buffer, "MOST_WAITING_COUNTS", 1)
        failed = []

        class ObservedIncidentSender(IncidentSender):
            def flush(self) -> None:
                try:
                    super().flush()
                except Undelivered:
                    failed.append("once more")
                    raise

        sender = ObservedIncidentSender()
        sender.put(End(facts()))
        sender.put(End(facts(code="processor_timeout")))
        wait_until(lambda: len(failed) == 4)  # each pause doubles, so the next is long enough to mend the table

        no_table()
        wait_until(lambda: "delivered again" in caplog.text)

        assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
            (logging.ERROR, "Incidents are dropped: there is no room for more."),
            (logging.WARNING, "Incidents cannot be delivered (OperationalError): they wait."),
            (logging.WARNING, "Incidents are delivered again; dropped meanwhile: 1."),
        ]
        assert counted() == [("processor_error", 1, 0)]

    def test_facts_that_the_database_refuses_are_not_tried_for_ever(
        self, on_demand: IncidentSender, caplog: pytest.LogCaptureFixture
    ) -> None:
        on_demand.put(End(facts(reference=None)))
        with pytest.raises(IntegrityError):
            on_demand.flush()

        on_demand.flush()

        assert not Incident.objects.exists()
        assert caplog.messages == ["Incidents are dropped: IntegrityError."]


@pytest.mark.django_db(transaction=True)
class TestTheThread:
    @pytest.fixture
    def sender(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[IncidentSender]:
        monkeypatch.setattr(background, "BATCH_SECONDS", 0.05)
        sender = IncidentSender()
        yield sender
        sender.leave()

    def threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == IncidentSender.thread_name]

    def test_writes_by_itself_and_ends_when_there_is_nothing_to_write(self, sender: IncidentSender) -> None:
        assert self.threads() == []
        sender.put(End(facts()))

        wait_until(lambda: self.threads() == [])

        assert Incident.objects.count() == 1

    def test_is_one_however_much_there_is(self, sender: IncidentSender) -> None:
        for _ in range(50):
            sender.put(End(facts()))

        assert len(self.threads()) == 1

    def test_is_there_again_for_what_comes_later(self, sender: IncidentSender) -> None:
        for number in (1, 2):
            sender.put(End(facts()))
            wait_until(lambda: self.threads() == [])
            assert Incident.objects.count() == number

    def test_is_outside_of_the_requests_transaction(self, sender: IncidentSender) -> None:
        with transaction.atomic():
            sender.put(End(facts()))
            wait_until(lambda: self.threads() == [])
            transaction.set_rollback(True)

        assert Incident.objects.count() == 1


def test_leaving_waits_for_what_is_being_written(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    monkeypatch.setattr(background, "BATCH_SECONDS", 3600)
    sender = IncidentSender()
    sender.put(End(facts()))

    sender.leave()

    assert Incident.objects.count() == 1


def test_a_child_process_leaves_alone_what_its_parent_has_to_write(
    monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(background, "BATCH_SECONDS", 3600)
    sender = IncidentSender()
    sender.put(End(facts()))

    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        sender.leave()
    assert not Incident.objects.exists()

    sender.leave()
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_leaving_while_the_database_fails_says_what_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, no_table: Callable[[], None]
) -> None:
    monkeypatch.setattr(background, "BATCH_SECONDS", 3600)
    sender = IncidentSender()
    for _ in range(3):
        sender.put(End(facts()))

    sender.leave()

    assert "Incidents cannot be delivered in time; lost with the process: 3." in caplog.text
    no_table()
    sender.flush()  # the end of the test process asks it again
