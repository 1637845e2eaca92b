"""What is deleted, and that operators keep everything that they may still ask for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.db.models import Sum

from enrollment_errors.deletion import AT_ONCE
from enrollment_errors.incidents.models import DayCount, Ending, Incident, MinuteCount
from enrollment_errors.incidents.retention import delete_minutes, delete_older_than, forget_endings, prune

from .conftest import ended, facts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 22, 5, tzinfo=timezone.utc)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


class TestDeleting:
    def test_takes_what_is_older_and_nothing_else(self) -> None:
        for days in (0, 89, 91, 400):
            Incident.objects.create(**facts(reference=f"{days}", at=ago(days=days)))
            ended(at=ago(days=days))

        assert delete_older_than(ago(days=90)) == (2, 2)

        assert set(Incident.objects.values_list("reference", flat=True)) == {"0", "89"}
        assert DayCount.objects.count() == 2

    def test_takes_more_than_one_statement_does(self) -> None:
        Incident.objects.bulk_create(Incident(**facts()) for _ in range(AT_ONCE + 5))

        assert delete_older_than(NOW + timedelta(hours=1)) == (AT_ONCE + 5, 0)

    def test_leaves_a_day_of_which_not_all_is_older(self) -> None:
        ended(at=ago(days=90, hours=1))

        assert delete_older_than(ago(days=90)) == (0, 0)

    def test_takes_the_minutes_of_what_is_asked_for_by_the_day(self) -> None:
        for hours in (0, 47, 49, 2000):
            ended(at=ago(hours=hours))

        assert delete_minutes(NOW) == 2

        assert MinuteCount.objects.aggregate(Sum("count")) == {"count__sum": 2}
        assert DayCount.objects.aggregate(Sum("count")) == {"count__sum": 4}


class TestForgetting:
    def test_takes_the_endings_that_have_no_counts_any_more(self) -> None:
        ended(at=ago(days=100), code="processor_timeout")
        ended(at=ago(days=100))
        ended(at=ago(days=3))
        delete_older_than(ago(days=90))
        delete_minutes(NOW)

        forget_endings()

        [ending] = Ending.objects.all()
        assert (ending.code, ending.first_at) == ("processor_error", ago(days=100))

    def test_leaves_one_that_has_counts_by_the_minute_alone(self) -> None:
        ended(at=ago(hours=30))
        delete_older_than(NOW)

        forget_endings()

        assert Ending.objects.count() == 1

    def test_an_ending_that_comes_again_is_a_new_one(self) -> None:
        ended(at=ago(days=100))
        delete_older_than(ago(days=90))
        delete_minutes(NOW)
        forget_endings()

        ended(at=NOW)

        assert Ending.objects.get().first_at == NOW


class TestPruning:
    @pytest.fixture(autouse=True)
    def two_old_failures(self) -> None:
        for days in (60, 100):
            Incident.objects.create(**facts(at=ago(days=days)))
            ended(at=ago(days=days), agency=f"agency-{days}")

    def test_keeps_what_the_settings_say(self) -> None:
        said = prune(NOW)

        assert Incident.objects.count() == 1
        assert Ending.objects.get().agency == "agency-60"
        assert said == (
            "Deleted 1 incident and 1 daily count older than 90 days, and 2 counts by the minute older than 2 days."
        )

    def test_keeps_less_where_the_site_wants_less(self, site: Any) -> None:
        site(INCIDENTS_KEPT_DAYS=30)

        prune(NOW)

        for model in (Incident, MinuteCount, DayCount, Ending):
            assert not model._default_manager.exists()
