"""What is deleted, what is put together, and that nobody who sums it up sees a difference."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import Sum

from enrollment_errors.incidents.retention import AT_ONCE, condense, delete_older_than
from enrollment_errors.models import Incident, OutcomeCount

from .conftest import facts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 22, 5, tzinfo=timezone.utc)
DIMENSIONS = ("outcome", "processor", "account", "agency", "flow", "method", "stage", "code", "upstream_status")


def count(ago: timedelta, number: int = 1, **changes: Any) -> OutcomeCount:
    known = facts(**changes)
    at = NOW - ago
    return OutcomeCount(
        **{name: known[name] for name in DIMENSIONS}, count=number, unlisted=number - 1, first_at=at, last_at=at
    )


def keep(*counts: OutcomeCount) -> None:
    OutcomeCount.objects.bulk_create(counts)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


class TestDeleting:
    def test_takes_what_is_older_and_nothing_else(self) -> None:
        for days in (0, 89, 91, 400):
            Incident.objects.create(**facts(reference=f"{days}", at=NOW - timedelta(days=days)))
            keep(count(timedelta(days=days)))

        assert delete_older_than(NOW - timedelta(days=90)) == (2, 2)

        assert set(Incident.objects.values_list("reference", flat=True)) == {"0", "89"}
        assert OutcomeCount.objects.count() == 2

    def test_takes_more_than_one_statement_does(self) -> None:
        Incident.objects.bulk_create(Incident(**facts()) for _ in range(AT_ONCE + 5))

        assert delete_older_than(NOW + hours(1)) == (AT_ONCE + 5, 0)


class TestCondensing:
    def test_leaves_the_last_two_hours_as_they_are(self) -> None:
        keep(*(count(hours(1.9)) for _ in range(3)))

        assert condense(NOW) == 0

    def test_puts_what_is_older_together_by_the_hour(self) -> None:
        keep(*(count(timedelta(minutes=minutes)) for minutes in range(121, 301)))

        condense(NOW)

        assert [whole.first_at.hour for whole in OutcomeCount.objects.order_by("first_at")] == [17, 18, 19, 20]

    def test_puts_what_is_older_than_two_days_together_by_the_sites_day(self) -> None:
        keep(*(count(hours(48.5 + number)) for number in range(48)))

        condense(NOW)

        days = [whole.last_at for whole in OutcomeCount.objects.order_by("last_at")]
        # Midnight in Los Angeles is 08:00 UTC in November.
        assert [(day.day, day.hour) for day in days] == [(18, 7), (19, 7), (19, 21)]

    def test_adds_up_and_keeps_the_first_and_the_last_moment(self) -> None:
        keep(count(hours(3), 5), count(hours(3.05), 3))

        assert condense(NOW) == 1

        whole = OutcomeCount.objects.get()
        assert (whole.count, whole.unlisted) == (8, 6)
        assert (whole.first_at, whole.last_at) == (NOW - hours(3.05), NOW - hours(3))

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
    def test_keeps_apart_whatever_an_operator_may_ask_for(self, change: dict[str, Any]) -> None:
        keep(count(hours(100)), count(hours(100), **change))

        assert condense(NOW) == 0

    def test_again_changes_nothing_more(self) -> None:
        keep(*(count(hours(number / 3), number + 1) for number in range(600)))
        before = OutcomeCount.objects.aggregate(Sum("count"), Sum("unlisted"))
        condense(NOW)
        rows = list(OutcomeCount.objects.order_by("pk").values())

        assert condense(NOW) == 0

        assert OutcomeCount.objects.aggregate(Sum("count"), Sum("unlisted")) == before
        assert list(OutcomeCount.objects.order_by("pk").values()) == rows
        assert len(rows) < 70

    def test_puts_together_more_than_one_statement_takes(self) -> None:
        keep(*(count(hours(100)) for _ in range(2 * AT_ONCE + 5)))

        assert condense(NOW) == 2 * AT_ONCE + 4

        assert OutcomeCount.objects.get().count == 2 * AT_ONCE + 5


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def two_old_failures(self) -> None:
        for days in (60, 100):
            Incident.objects.create(**facts(at=NOW - timedelta(days=days)))
            keep(count(timedelta(days=days)), count(timedelta(days=days)))

    @time_machine.travel(NOW, tick=False)
    def test_keeps_what_the_settings_say(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("prune_enrollment_incidents")

        assert Incident.objects.count() == 1
        assert capsys.readouterr().out == (
            "Deleted 1 incidents and 2 counts older than 90 days; put 1 counts together.\n"
        )

    @time_machine.travel(NOW, tick=False)
    def test_keeps_what_it_is_told(self) -> None:
        call_command("prune_enrollment_incidents", days=30)

        assert not Incident.objects.exists()
        assert not OutcomeCount.objects.exists()

    def test_never_deletes_everything_by_a_slip(self) -> None:
        with pytest.raises(CommandError, match="at least 1"):
            call_command("prune_enrollment_incidents", days=0)
