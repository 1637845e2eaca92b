"""A success that the sweep finds becomes one row in the ledger, just like one that the rider saw at once."""

from __future__ import annotations

from typing import Any

from django.core.cache import caches
from django.db import OperationalError, connection

from enrollment_errors import conf
from enrollment_errors.ledger.database import on_demand
from enrollment_errors.ledger.models import Entry
from enrollment_errors.settling.models import SentLink, State

from .conftest import counted, killed_at, swept


def test_a_link_that_the_sweep_finds_is_entered_once(hangs_up: Any, incidents: Any) -> None:
    reference = hangs_up()
    assert not Entry.objects.exists()

    swept()
    incidents.flush()

    entry = Entry.objects.get()
    assert (entry.reference, entry.code, entry.group_id) == (reference, "linked", "group-seniors")
    assert counted()["linked"] == 1


def test_a_site_without_a_ledger_has_none(hangs_up: Any, incidents: Any, site: Any) -> None:
    site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.LEDGER_SINK])
    hangs_up()

    swept()

    assert not Entry.objects.exists()


def test_a_success_whose_worker_is_killed_before_it_is_entered_is_entered_by_the_sweep(rider: Any, site: Any) -> None:
    site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])

    with killed_at("INSERT", "enrollment_ledger"):
        rider.enrolls()
    assert not Entry.objects.exists()

    swept()

    assert Entry.objects.count() == 1
    assert not SentLink.objects.filter(state=State.OPEN)


def test_one_that_was_told_under_another_reference_by_a_worker_killed_before_it_was_counted_is_entered_once(
    rider: Any, incidents: Any
) -> None:
    with killed_at("INSERT", "enrollment_ledger"):
        rider.enrolls()
    caches["default"].clear()  # as if restarted
    assert rider.enrolls().page == "success"
    incidents.take()  # they die with the worker
    caches["default"].clear()
    entered = Entry.objects.get().reference

    swept()

    assert Entry.objects.get().reference == entered
    assert sum(counted().values()) == 1
    assert not SentLink.objects.filter(state=State.OPEN)


def test_one_that_could_not_be_entered_is_entered_by_the_sweep(rider: Any, site: Any) -> None:
    site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])

    def fails(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("INSERT") and "enrollment_ledger" in sql:
            raise OperationalError
        return execute(sql, *arguments)

    with on_demand() as waiting, connection.execute_wrapper(fails):
        assert rider.enrolls().page == "success"
        waiting.take()  # they die with the worker

    swept()

    assert Entry.objects.count() == 1


def test_one_that_was_entered_leaves_no_row_where_the_site_keeps_no_incidents(rider: Any, site: Any) -> None:
    site(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])

    assert rider.enrolls().page == "success"

    assert Entry.objects.count() == 1
    assert not SentLink.objects.exists()


def test_one_leaves_no_row_where_the_site_keeps_neither(rider: Any, site: Any) -> None:
    site(SINKS=[path for path in conf.DEFAULT_SINKS if path not in (conf.INCIDENT_SINK, conf.LEDGER_SINK)])

    assert rider.enrolls().page == "success"

    assert not SentLink.objects.exists()
