"""A success that the sweep finds is one row of the ledger, as one that the rider was told of at once."""

from __future__ import annotations

from typing import Any

from enrollment_errors import conf
from enrollment_errors.ledger.models import Entry

from .conftest import counted, swept


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
