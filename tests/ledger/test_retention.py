"""The ledger keeps rows as long as the site says, and one command deletes the old rows of all apps."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from enrollment_errors.incidents.models import Incident
from enrollment_errors.ledger.models import Entry, Unlink
from tests.incidents.conftest import facts as failure

from .conftest import enrolled, unlinked

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, 3, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def ten_years() -> None:
    for years in range(10):
        enrolled(at=NOW - timedelta(days=365 * years))
        unlinked(at=NOW - timedelta(days=365 * years))
    Incident.objects.create(**failure(at=NOW - timedelta(days=91)))


@time_machine.travel(NOW, tick=False)
def test_the_ledger_is_kept_forever_where_nobody_says_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prune_enrollments")

    assert (Entry.objects.count(), Unlink.objects.count(), Incident.objects.count()) == (10, 10, 0)
    incidents, ledger, _ = capsys.readouterr().out.splitlines()
    assert incidents.startswith("Deleted 1 incident and 0 daily counts")
    assert ledger == "Deleted nothing from the ledger: LEDGER_KEPT_DAYS is not set, so it is kept forever."


@time_machine.travel(NOW, tick=False)
def test_what_is_older_than_the_site_says_is_deleted(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    site(LEDGER_KEPT_DAYS=365 * 7)

    call_command("prune_enrollments")

    assert (Entry.objects.count(), Unlink.objects.count()) == (8, 8)
    assert "Deleted 2 enrollments and 2 removed cards older than 2555 days from the ledger." in capsys.readouterr().out
