"""The way into the database: bounded, outside of the rider's request, and with nothing dropped that is not counted."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import override

from enrollment_errors.incidents import writing
from enrollment_errors.incidents.writing import Writer
from enrollment_errors.models import DayCount, Ending, Incident, MinuteCount
from tests.waiting import wait_until

from .conftest import AT, facts, success


def counted() -> list[tuple[str, int, int]]:
    return list(DayCount.objects.order_by("ending__code").values_list("ending__code", "count", "unlisted"))


@pytest.fixture
def on_demand(db: None) -> Writer:
    return Writer(background=False)


@pytest.fixture
def no_table() -> Iterator[Callable[[], None]]:
    """The database fails for a while, as it does before the migrations have run; the function mends it."""

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


class TestCounting:
    def test_ends_of_one_kind_within_a_minute_are_one_count(self, on_demand: Writer) -> None:
        for second in (0, 5, 9):
            on_demand.take(success(at=AT + timedelta(seconds=second)))
        on_demand.flush()

        count = MinuteCount.objects.get()
        assert (count.count, count.ending.first_at, count.last_at) == (3, AT, AT + timedelta(seconds=9))

    def test_each_minute_is_a_count_of_one_ending_and_one_day(self, on_demand: Writer) -> None:
        for minute in (1, 0, 2):
            on_demand.take(facts(at=AT + timedelta(minutes=minute)), counted_only=minute == 2)
        on_demand.flush()

        assert MinuteCount.objects.count() == 3
        day = DayCount.objects.get()
        assert (day.count, day.unlisted, day.last_at) == (3, 1, AT + timedelta(minutes=2))
        assert day.ending.first_at == AT

    def test_a_day_goes_on_with_what_is_written_later(self, on_demand: Writer) -> None:
        for minute in (1, 2, 0):
            on_demand.take(facts(at=AT + timedelta(minutes=minute)), counted_only=minute == 0)
            on_demand.flush()

        day = DayCount.objects.get()
        assert (day.count, day.unlisted, day.last_at) == (3, 1, AT + timedelta(minutes=2))

    def test_a_day_is_one_of_the_sites_time_zone_wherever_the_rider_is(self, on_demand: Writer) -> None:
        with override("Asia/Tokyo"):
            for hours in (9, 10):  # 23:05 in Los Angeles, and 00:05
                on_demand.take(facts(at=AT + timedelta(hours=hours)))
                on_demand.flush()

        assert list(DayCount.objects.order_by("day").values_list("day", flat=True)) == [
            date(2026, 11, 21),
            date(2026, 11, 22),
        ]

    def test_an_ending_has_come_first_when_the_oldest_of_it_came_however_late_that_is_written(
        self, on_demand: Writer
    ) -> None:
        for minutes in (0, -30, 5):
            on_demand.take(facts(at=AT + timedelta(minutes=minutes)))
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
        self, on_demand: Writer, change: dict[str, object]
    ) -> None:
        on_demand.take(facts())
        on_demand.take(facts(**change))
        on_demand.flush()

        assert Ending.objects.count() == DayCount.objects.count() == 2

    def test_a_count_says_of_what_it_is(self, on_demand: Writer) -> None:
        on_demand.take(facts())
        on_demand.flush()

        assert str(MinuteCount.objects.get()) == "1 × processor_error"

    def test_what_has_been_written_is_not_written_again(self, on_demand: Writer) -> None:
        on_demand.take(facts())
        on_demand.flush()
        on_demand.flush()

        assert Incident.objects.count() == 1


class TestTheBound:
    def test_what_is_only_counted_is_no_row(self, on_demand: Writer) -> None:
        for number in range(500):
            on_demand.take(facts(), counted_only=number >= 20)
        on_demand.flush()

        assert Incident.objects.count() == 20
        assert counted() == [("processor_error", 500, 480)]

    def test_a_success_is_none_of_those_that_are_not_listed(self, on_demand: Writer) -> None:
        on_demand.take(success(), counted_only=True)
        on_demand.flush()

        assert counted() == [("linked", 1, 0)]


@pytest.mark.django_db(transaction=True)
class TestAnOutage:
    def test_what_could_not_be_written_is_written_later(self, on_demand: Writer, no_table: Callable[[], None]) -> None:
        on_demand.take(facts(reference="H7P-2QX-9MR"))
        with pytest.raises(DatabaseError):
            on_demand.flush()
        on_demand.take(facts(reference="4FW-GXR-2CC", at=AT + timedelta(seconds=9)))
        on_demand.take(facts(code="processor_timeout", outcome="unknown"), counted_only=True)

        no_table()
        on_demand.flush()

        assert list(Incident.objects.values_list("reference", flat=True).order_by("id")) == [
            "H7P-2QX-9MR",
            "4FW-GXR-2CC",
        ]
        assert counted() == [("processor_error", 2, 0), ("processor_timeout", 1, 1)]
        assert DayCount.objects.get(ending__code="processor_error").last_at == AT + timedelta(seconds=9)

    def test_what_comes_while_it_could_not_be_written_is_added_to_it(
        self, on_demand: Writer, no_table: Callable[[], None]
    ) -> None:
        later = iter([(facts(at=AT + timedelta(seconds=9)), False), (facts(code="processor_timeout"), True)])

        def rider_meanwhile(execute: Callable[..., object], *query: object) -> object:
            for one, counted_only in later:
                on_demand.take(one, counted_only=counted_only)
            return execute(*query)

        on_demand.take(facts())
        with connection.execute_wrapper(rider_meanwhile), pytest.raises(DatabaseError):
            on_demand.flush()

        no_table()
        on_demand.flush()

        assert counted() == [("processor_error", 2, 0), ("processor_timeout", 1, 1)]
        assert DayCount.objects.get(ending__code="processor_error").last_at == AT + timedelta(seconds=9)

    def test_of_a_long_one_a_bounded_number_of_incidents_is_kept_and_the_rest_counted(
        self, monkeypatch: pytest.MonkeyPatch, on_demand: Writer, no_table: Callable[[], None]
    ) -> None:
        monkeypatch.setattr(writing, "MAX_WAITING", 10)
        for _ in range(3):
            for _ in range(8):
                on_demand.take(facts())
            with pytest.raises(DatabaseError):
                on_demand.flush()

        no_table()
        on_demand.flush()

        assert Incident.objects.count() == 10
        assert counted() == [("processor_error", 24, 14)]

    def test_it_is_logged_once_and_so_is_its_end(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, no_table: Callable[[], None]
    ) -> None:
        monkeypatch.setattr(writing, "BATCH_SECONDS", 0.01)
        monkeypatch.setattr(writing, "MAX_WAITING_COUNTS", 1)
        failed = []

        class ObservedWriter(Writer):
            def flush(self) -> None:
                try:
                    super().flush()
                except DatabaseError:
                    failed.append("once more")
                    raise

        writer = ObservedWriter()
        writer.take(facts())
        writer.take(facts(code="processor_timeout"))
        wait_until(lambda: len(failed) == 4)  # the pauses double: the next one is long enough to mend the table in it

        no_table()
        wait_until(lambda: "written again" in caplog.text)

        assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
        assert "(OperationalError)" in caplog.messages[0]
        assert "; 1 outcomes were not even counted" in caplog.messages[1]
        assert counted() == [("processor_error", 1, 0)]

    def test_facts_that_the_database_refuses_are_not_tried_for_ever(self, on_demand: Writer) -> None:
        on_demand.take(facts(reference=None))
        with pytest.raises(DatabaseError):
            on_demand.flush()

        on_demand.flush()

        assert not Incident.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTheThread:
    @pytest.fixture
    def writer(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
        monkeypatch.setattr(writing, "BATCH_SECONDS", 0.05)
        writer = Writer()
        yield writer
        writer.leave()

    def threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == writing.THREAD]

    def test_writes_by_itself_and_ends_when_there_is_nothing_to_write(self, writer: Writer) -> None:
        assert self.threads() == []
        writer.take(facts())

        wait_until(lambda: self.threads() == [])

        assert Incident.objects.count() == 1

    def test_is_one_however_much_there_is(self, writer: Writer) -> None:
        for _ in range(50):
            writer.take(facts())

        assert len(self.threads()) == 1

    def test_is_there_again_for_what_comes_later(self, writer: Writer) -> None:
        for number in (1, 2):
            writer.take(facts())
            wait_until(lambda: self.threads() == [])
            assert Incident.objects.count() == number

    def test_is_outside_of_the_requests_transaction(self, writer: Writer) -> None:
        with transaction.atomic():
            writer.take(facts())
            wait_until(lambda: self.threads() == [])
            transaction.set_rollback(True)

        assert Incident.objects.count() == 1


def test_leaving_waits_for_what_is_being_written(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    monkeypatch.setattr(writing, "BATCH_SECONDS", 3600)
    writer = Writer()
    writer.take(facts())

    writer.leave()

    assert Incident.objects.count() == 1


def test_a_child_process_leaves_alone_what_its_parent_has_to_write(
    monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(writing, "BATCH_SECONDS", 3600)
    writer = Writer()
    writer.take(facts())

    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        writer.leave()
    assert not Incident.objects.exists()

    writer.leave()
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_leaving_while_the_database_fails_says_what_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, no_table: Callable[[], None]
) -> None:
    monkeypatch.setattr(writing, "BATCH_SECONDS", 3600)
    writer = Writer()
    for _ in range(3):
        writer.take(facts())

    writer.leave()

    assert "at least 3 outcomes are lost with the process" in caplog.text
    no_table()
    writer.flush()  # it is asked again when the tests' own process ends
