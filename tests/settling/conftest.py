from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import Sum
from django.urls import set_urlconf

from enrollment_errors import conf
from enrollment_errors.clock import Clock
from enrollment_errors.incidents.buffer import IncidentSender, on_demand
from enrollment_errors.incidents.models import DayCount
from enrollment_errors.journal import use_journal
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.settling.kept import DatabaseJournal
from enrollment_errors.settling.sweep import sweep
from tests.rider import Rider

LOST = Fault(kind="reset", after_effect=True)
"""The processor makes the link, but its answer is lost."""
NOT_MADE = Fault(kind="reset")
SILENT = Fault(kind="status", status=503)
SOON, QUIET = timedelta(minutes=1), timedelta(minutes=10)
"""When a request must be over, and when the processor can no longer be working on it."""


class Killed(BaseException):
    """The death of a worker."""


@contextmanager
def killed_at(statement: str, table: str) -> Iterator[None]:
    """A worker dies before the first such statement reaches the database."""

    def execute(go_on: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(statement) and table in sql:
            raise Killed
        return go_on(sql, *arguments)

    with connection.execute_wrapper(execute), pytest.raises(Killed):
        yield
    set_urlconf(None)  # the next request would do this


class NoPause(Clock):
    def sleep(self, seconds: float) -> None:
        pass


def swept(after: timedelta = SOON) -> Counter[str]:
    """The result of a sweep that much later."""
    with time_machine.travel(datetime.now(timezone.utc) + after, tick=True):
        return sweep(clock=NoPause())


def counted() -> dict[str, int]:
    """How often each code was counted."""
    return dict(DayCount.objects.values_list("ending__code").annotate(Sum("count")))


@pytest.fixture
def journal(db: None) -> Iterator[DatabaseJournal]:
    ours = DatabaseJournal()
    before = use_journal(ours)
    yield ours
    use_journal(before)


@pytest.fixture
def incidents(journal: DatabaseJournal, site: Any) -> Iterator[IncidentSender]:
    """The site keeps incidents, and writes them only when the test calls ``flush``."""
    site(SINKS=conf.DEFAULT_SINKS)
    with on_demand() as sender:
        yield sender


@pytest.fixture
def rider(incidents: IncidentSender) -> Rider:
    return Rider().becomes_eligible()


@pytest.fixture
def hangs_up(sandbox: Any, rider: Rider) -> Callable[..., str]:
    """A rider whose answer is lost, and who never returns. The function returns the reference that the rider saw."""

    def hang_up(link: Fault = LOST, groups: Fault = SILENT) -> str:
        sandbox.faults.set("link", link)
        sandbox.faults.set("groups", groups)
        end = rider.enrolls()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        return end.reference

    return hang_up
