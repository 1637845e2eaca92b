"""No row is lost when a real process is killed, or when PostgreSQL is down for a while."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import CARD_TOKEN
from tests.servers import PostgresServer

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import json, os, signal, sys, threading
from django.conf import settings
from enrollment_errors.conf import LEDGER_SINK
from tests import settings as site
given = json.loads(sys.argv[1])
processors = site.ENROLLMENT_ERRORS["ACCOUNTS"]
processors["littlepay"]["OPTIONS"] |= given["options"]
settings.configure(**{name: getattr(site, name) for name in dir(site) if name.isupper()} | {
    "ENROLLMENT_ERRORS": site.ENROLLMENT_ERRORS | {"SINKS": [LEDGER_SINK], "ACCOUNTS": processors},
    "DATABASES": {"default": given["database"]},
})
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from enrollment_errors.ledger.models import Entry
from enrollment_errors.reporting.dispatch import dispatch
from tests.ledger.conftest import enrolled
from tests.reporting.reports import new_success
from tests.rider import Rider
from tests.waiting import wait_until as wait
call_command("migrate", verbosity=0)
def say(said):
    print(json.dumps(said), flush=True)
"""

pytestmark = [pytest.mark.postgresql, pytest.mark.ci_only]


@pytest.fixture
def run(postgres_server: PostgresServer, sandbox: SandboxServer) -> Iterator[Any]:
    """Runs a script in a process of its own. Returns what it says, and its exit status."""
    import psycopg

    options = sandbox.account()["OPTIONS"]
    given = json.dumps({"database": {**postgres_server.settings, "NAME": "ledger"}, "options": options})

    def run(script: str) -> tuple[Any, int]:
        done = subprocess.run(
            [sys.executable, "-c", PREAMBLE + textwrap.dedent(script), given],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
        return json.loads(done.stdout.splitlines()[-1]), done.returncode

    where = {"host": "127.0.0.1", "port": postgres_server.port, "user": "tests", "dbname": "postgres"}
    with psycopg.connect(**where, autocommit=True) as server:
        server.execute("CREATE DATABASE ledger")
        yield run
        server.execute("DROP DATABASE ledger WITH (FORCE)")


def test_the_row_of_a_rider_who_was_told_outlives_a_process_that_is_killed(run: Any, sandbox: SandboxServer) -> None:
    told, status = run(
        """
        end = Rider().becomes_eligible(expires=True).enrolls()
        say(end.url)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )

    assert status == -signal.SIGKILL
    assert "/success/" in told
    [(reference, expires_at)], _ = run("say([[e.reference, e.expires_at.isoformat()] for e in Entry.objects.all()])")
    assert f"reference={reference}" in told
    [link] = sandbox.state.groups["group-seniors"].links.values()
    assert link.expiry is not None
    assert expires_at == link.expiry.isoformat()
    assert sandbox.state.card(CARD_TOKEN)


def test_rows_of_an_outage_are_written_after_it(run: Any) -> None:
    told, _ = run(
        """
        import psycopg
        where = {"host": "127.0.0.1", "port": given["database"]["PORT"], "user": "tests", "dbname": "postgres"}
        connection.close()
        with psycopg.connect(**where, autocommit=True) as server:
            server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS false")
            dispatch(new_success(reference="H7P-2QX-9MR"))
            dispatch(new_success(reference="H7P-2QX-9MR"))
            dispatch(new_success(reference="4FW-GXR-2CC"))
            server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS true")
        wait(lambda: Entry.objects.count() == 2)
        say(sorted(Entry.objects.values_list("reference", flat=True)))
        """
    )

    assert told == ["4FW-GXR-2CC", "H7P-2QX-9MR"]


def test_a_connection_that_died_meanwhile_costs_no_row(run: Any) -> None:
    told, _ = run(
        """
        enrolled()
        with connection.cursor() as cursor:
            [[pid]] = cursor.execute("SELECT pg_backend_pid()").fetchall()
        import psycopg
        where = {"host": "127.0.0.1", "port": given["database"]["PORT"], "user": "tests", "dbname": "postgres"}
        with psycopg.connect(**where, autocommit=True) as server:
            server.execute("SELECT pg_terminate_backend(%s)", [pid])
        dispatch(new_success())
        connection.close()
        wait(lambda: Entry.objects.count() == 2)
        say(Entry.objects.count())
        """
    )

    assert told == 2


def test_two_processes_that_tell_of_the_same_success_make_one_row(run: Any) -> None:
    told, _ = run(
        """
        connection.close()
        children = []
        for process in range(4):
            if not (child := os.fork()):
                for number in range(20):
                    dispatch(new_success(reference=f"number-{number}"))
                connection.close()
                os._exit(0)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        say(Entry.objects.count())
        """
    )

    assert told == 20


def test_sums_are_the_same_as_elsewhere(run: Any) -> None:
    told, _ = run(
        """
        from enrollment_errors.ledger.sums import Period, cells, sums
        enrolled(2)
        enrolled(method="in_person", agency="harbor", code="renewed")
        say([list(map(cells, sums(period))) for period in Period])
        """
    )

    assert told == [
        [[period, "harbor", "senior", 1, 1, 1], [period, "mountain", "senior", 2, 0, 0]]
        for period in ("2026-11", "2026-11-21")
    ]
