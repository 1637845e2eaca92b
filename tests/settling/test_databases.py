"""Several processes sweep while riders check again, all at once, on each kind of database.

Each process has its own cache, so only the database keeps them apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from enrollment_errors.sandbox.server import SandboxServer

pytestmark = pytest.mark.ci_only

ROOT = Path(__file__).parents[2]
LINKS, MADE = 12, 8
"""The number of links, and how many of them the processor has made. Meanwhile, the rider of every third link checks
again. Of those, only the tenth link has not been made."""
SETUP = """
import json, os, sys, time
from datetime import timedelta
given = json.loads(sys.argv[1])
if given["database"]["ENGINE"].endswith("mysql"):
    import pymysql
    pymysql.version_info = (2, 2, 7, "final", 0)  # of mysqlclient, which Django asks for
    pymysql.install_as_MySQLdb()
from django.conf import settings
from enrollment_errors.conf import DEFAULT_SINKS
from tests import settings as site
accounts = site.ENROLLMENT_ERRORS["ACCOUNTS"]
accounts["littlepay"]["OPTIONS"] |= given["options"]
settings.configure(**{name: getattr(site, name) for name in dir(site) if name.isupper()} | {
    "ENROLLMENT_ERRORS": site.ENROLLMENT_ERRORS | {"SINKS": DEFAULT_SINKS, "ACCOUNTS": accounts},
    "DATABASES": {"default": given["database"]},
})
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Sum
from enrollment_errors.incidents.buffer import sender
from enrollment_errors.incidents.models import DayCount
from enrollment_errors.journal import get_journal
from enrollment_errors.processors.types import FundingSource
from enrollment_errors.outcomes import Outcome
from enrollment_errors import service
from enrollment_errors.results import PendingLink
from enrollment_errors.settling.models import SentLink
from enrollment_errors.settling.sweep import sweep
from tests.reporting.reports import new_enrollment, new_success
from tests.waiting import wait_until

call_command("migrate", verbosity=0)
links, reports = [], []
for number, source in enumerate(given["sources"]):
    link = PendingLink(account="littlepay", group_id="group-seniors", funding_source=FundingSource(id=source),
                       expires_at=None, sent_at=time.time() - 3600)
    enrollment = new_enrollment(account="littlepay")
    report = new_success(reference=f"R{number}", enrollment=enrollment)
    assert get_journal().open(link, report).kept_as
    links.append(link)
    reports.append(report)
SentLink.objects.update(opened_at=F("opened_at") - timedelta(hours=1), next_at=F("next_at") - timedelta(hours=1))
connection.close()

def say(**facts):
    wait_until(lambda: not sender().waiting(), "counts that are written")
    sender().leave()
    successes = DayCount.objects.filter(ending__outcome="success")
    counted = successes.aggregate(Sum("count"))["count__sum"]
    states = sorted(set(SentLink.objects.values_list("state", flat=True)))
    print(json.dumps({"counted": counted, "states": states, **facts}))
"""
ALL_AT_ONCE = """
children, start = [], time.time() + 1
for process in range(3):
    if not (child := os.fork()):
        time.sleep(max(0, start - time.time()))
        sweep()
        sys.exit()
    children.append(child)
time.sleep(max(0, start - time.time()))
for number in range(0, len(reports), 3):
    report, lost = reports[number], links[number]
    result = service.check_again(report.enrollment, report.origin, lost, reference=report.reference)
    assert result.outcome is Outcome.SUCCESS
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 3
say(skips=connection.features.has_select_for_update_skip_locked)
"""
CHECK_WHILE_A_SWEEP_TELLS = """
import threading
from django.db import transaction
from enrollment_errors.incidents.sink import count_at_once
from enrollment_errors.settling.rows import locked
from enrollment_errors.settling.models import State

[link], [report] = links, reports
results = []

def check():
    try:
        results.append(service.check_again(report.enrollment, report.origin, link, reference=report.reference))
    finally:
        connection.close()

def waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]

rider = threading.Thread(target=check)
row = SentLink.objects.get()
with transaction.atomic():
    assert list(locked(row.link)) == [row.pk]
    SentLink.objects.filter(pk=row.pk).update(state=State.LINKED)
    count_at_once(report)
    rider.start()
    wait_until(lambda: results or waits(), "the rider's check, which has ended or waits")
rider.join()
say(outcome=results[0].outcome.value, is_new=results[0].is_new, reference=results[0].reference)
"""

TWO_WAIT_FOR_EACH_OTHER = """
import threading
from enrollment_errors.settling.transactions import committed

first, second = SentLink.objects.order_by("pk")
barrier, ends, tries = threading.Barrier(2, timeout=60), [], []

def change(one, another):
    is_first_try = not any(name == threading.current_thread().name for name in tries)
    tries.append(threading.current_thread().name)
    SentLink.objects.filter(pk=one.pk).update(asked=F("asked") + 1)
    if is_first_try:
        barrier.wait()
    SentLink.objects.filter(pk=another.pk).update(asked=F("asked") + 1)

def run(one, another):
    try:
        committed(lambda: change(one, another))
        ends.append("done")
    except Exception as error:
        ends.append(type(error).__name__)
    finally:
        connection.close()

threads = [threading.Thread(target=run, args=pair) for pair in ((first, second), (second, first))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say(ends=ends, tries=len(tries), asked=list(SentLink.objects.order_by("pk").values_list("asked", flat=True)))
"""


@pytest.fixture
def told(sandbox: SandboxServer) -> Callable[..., dict[str, Any]]:
    """What the processes find on that database."""

    def run(database: dict[str, Any], *, script: str = ALL_AT_ONCE, links: int = LINKS) -> dict[str, Any]:
        sources = [sandbox.state.add_card(f"card-{number}") for number in range(links)]
        for source in sources[:MADE]:
            sandbox.state.link(source, "group-seniors")
        given = {
            "database": database,
            "options": sandbox.account()["OPTIONS"],
            "sources": sources,
        }
        done = subprocess.run(
            [sys.executable, "-c", SETUP + script, json.dumps(given)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


def assert_each_was_counted_once_and_linked_once(told: dict[str, Any], sandbox: SandboxServer, *, skips: bool) -> None:
    assert told == {"counted": MADE + 1, "states": ["linked", "not_linked"], "skips": skips}
    assert len(sandbox.state.groups["group-seniors"].links) == MADE + 1
    assert sandbox.calls["link"] == 1
    assert sandbox.calls["groups"] <= LINKS + 4


@pytest.fixture
def postgresql(postgres_server: Any) -> Iterator[dict[str, Any]]:
    import psycopg

    where = {"host": "127.0.0.1", "port": postgres_server.port, "user": "tests", "dbname": "postgres"}
    with psycopg.connect(**where, autocommit=True) as server:
        server.execute("CREATE DATABASE settling")
        try:
            yield {**postgres_server.settings, "NAME": "settling"}
        finally:
            server.execute("DROP DATABASE settling WITH (FORCE)")


@pytest.fixture
def mariadb(mariadb_server: Any) -> Iterator[dict[str, Any]]:
    import pymysql

    at = {"host": "127.0.0.1", "port": mariadb_server.port, "user": "root"}
    with closing(pymysql.connect(**at)) as server, server.cursor() as cursor:
        cursor.execute("CREATE DATABASE settling CHARACTER SET utf8mb4")
        try:
            yield {**mariadb_server.settings, "NAME": "settling"}
        finally:
            cursor.execute("DROP DATABASE settling")


@pytest.mark.postgresql
def test_postgresql(told: Any, sandbox: SandboxServer, postgresql: dict[str, Any]) -> None:
    assert_each_was_counted_once_and_linked_once(told(postgresql), sandbox, skips=True)


@pytest.mark.postgresql
def test_a_rider_who_checks_while_a_sweep_tells_of_it_waits_for_the_sweep(
    told: Any, postgresql: dict[str, Any]
) -> None:
    assert told(postgresql, script=CHECK_WHILE_A_SWEEP_TELLS, links=1) == {
        "counted": 1,
        "states": ["linked"],
        "outcome": "success",
        "is_new": False,
        "reference": "R0",
    }


def assert_both_were_done(told: Any, database: dict[str, Any]) -> None:
    found = told(database, script=TWO_WAIT_FOR_EACH_OTHER, links=2)
    assert (found["ends"], found["asked"]) == (["done", "done"], [2, 2])
    assert found["tries"] >= 3


@pytest.mark.postgresql
def test_of_two_that_wait_for_each_other_in_postgresql_one_begins_anew(told: Any, postgresql: dict[str, Any]) -> None:
    assert_both_were_done(told, postgresql)


@pytest.mark.mariadb
def test_of_two_that_wait_for_each_other_in_mariadb_one_begins_anew(told: Any, mariadb: dict[str, Any]) -> None:
    assert_both_were_done(told, mariadb)


def test_sqlite(told: Any, sandbox: SandboxServer, tmp_path: Path) -> None:
    found = told(
        {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(tmp_path / "db.sqlite3"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60},
        }
    )
    assert_each_was_counted_once_and_linked_once(found, sandbox, skips=False)


@pytest.mark.mariadb
def test_mariadb(told: Any, sandbox: SandboxServer, mariadb: dict[str, Any]) -> None:
    assert_each_was_counted_once_and_linked_once(told(mariadb), sandbox, skips=True)
