"""What a database can do to real processes, with a PostgreSQL server and a server that never answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enrollment_errors.reporting.background import EXIT_SECONDS
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.servers import PostgresServer

pytestmark = pytest.mark.ci_only

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import json, os, sys, time
from django.conf import settings
from enrollment_errors.conf import DEFAULT_SINKS
from tests import settings as site
given = json.loads(sys.argv[1])
processors = site.ENROLLMENT_ERRORS["ACCOUNTS"]
processors["littlepay"]["OPTIONS"] |= given["options"]
settings.configure(**{name: getattr(site, name) for name in dir(site) if name.isupper()} | {
    "ENROLLMENT_ERRORS": site.ENROLLMENT_ERRORS | {"SINKS": DEFAULT_SINKS, "ACCOUNTS": processors},
    "DATABASES": {"default": given["database"]},
    "INSTALLED_APPS": [name for name in site.INSTALLED_APPS if name != "enrollment_errors.settling"],
})
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from enrollment_errors.incidents.models import DayCount, Ending, Incident, MinuteCount
from enrollment_errors.reporting.dispatch import dispatch
from tests.reporting.reports import new_report
from tests.rider import Rider
from tests.waiting import wait_until as wait
"""

# An ending without counts, and another connection that uses the database at the same time.
MEANWHILE = (
    PREAMBLE
    + """
import psycopg
from datetime import timedelta
from threading import Thread
from enrollment_errors.incidents.retention import forget_endings
from tests.incidents.conftest import AT, ended

call_command("migrate", verbosity=0)
LATER = AT + timedelta(hours=1)
ended(at=AT)
for model in (MinuteCount, DayCount):
    model.objects.all().delete()
where = {"host": "127.0.0.1", "port": given["database"]["PORT"], "user": "tests", "dbname": "incidents"}

def one_waits():
    with connection.cursor() as cursor:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'incidents' AND wait_event_type = 'Lock'"
        return cursor.execute(waiting).fetchone() == (1,)

def count():
    ended(at=LATER)
    connection.close()

def forget():
    forget_endings()
    connection.close()
"""
)


def run(
    script: str, database: dict[str, Any], *, preamble: str = PREAMBLE, **options: str
) -> tuple[dict[str, Any], float]:
    """Runs ``script`` in its own process. Returns the JSON that it prints, and the seconds from then until it ends."""
    given = json.dumps({"database": database, "options": options})
    process = subprocess.Popen(
        [sys.executable, "-c", preamble + textwrap.dedent(script), given], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        started = time.monotonic()
        process.communicate(timeout=60)
        assert process.returncode == 0
        return json.loads(said), time.monotonic() - started
    finally:
        process.kill()


@pytest.fixture
def silent() -> Iterator[dict[str, Any]]:
    """A database server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "tests",
            "HOST": "127.0.0.1",
            "PORT": server.getsockname()[1],
        }


def test_a_database_that_hangs_delays_neither_the_riders_page_nor_for_long_the_end_of_the_process(
    silent: dict[str, Any], sandbox: SandboxServer
) -> None:
    sandbox.faults.set("lookup", Fault(kind="status", status=404))

    told, seconds_to_end = run(
        """
        started = time.monotonic()
        status = Rider().becomes_eligible().enrolls().status
        seconds = time.monotonic() - started
        time.sleep(1)  # the thread is waiting for the database by now
        again = time.monotonic()
        Rider().becomes_eligible().enrolls()
        print(json.dumps({"status": status, "seconds": [seconds, time.monotonic() - again]}), flush=True)
        """,
        silent,
        **sandbox.account()["OPTIONS"],
    )

    assert told["status"]  # the rider got a page, whichever it was
    assert max(told["seconds"]) < 5  # a single wait for the database would never end
    assert seconds_to_end < EXIT_SECONDS + 10  # the interpreter's own exit takes time on a busy machine


@pytest.mark.postgresql
class TestPostgresql:
    @pytest.fixture
    def database(self, postgres_server: PostgresServer) -> Iterator[dict[str, Any]]:
        import psycopg

        where = {"host": "127.0.0.1", "port": postgres_server.port, "user": "tests", "dbname": "postgres"}
        with psycopg.connect(**where, autocommit=True) as server:
            server.execute("CREATE DATABASE incidents")
            yield {**postgres_server.settings, "NAME": "incidents"}
            server.execute("DROP DATABASE incidents WITH (FORCE)")

    def test_the_thread_gives_its_connection_back(self, database: dict[str, Any]) -> None:
        told, _ = run(
            """
            call_command("migrate", verbosity=0)
            dispatch(new_report())
            wait(Incident.objects.exists)
            clients = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            def only_this_one():
                with connection.cursor() as cursor:
                    return cursor.execute(clients).fetchone() == (1,)
            wait(only_this_one)
            print(json.dumps(Incident.objects.count()), flush=True)
            """,
            database,
        )

        assert told == 1

    def test_incidents_of_an_outage_are_written_after_it(self, database: dict[str, Any]) -> None:
        told, _ = run(
            """
            import psycopg
            from enrollment_errors.reporting import background
            call_command("migrate", verbosity=0)
            connection.close()
            said = []
            background.logger.addFilter(lambda record: said.append(record.getMessage()) or True)
            where = {"host": "127.0.0.1", "port": given["database"]["PORT"], "user": "tests", "dbname": "postgres"}
            with psycopg.connect(**where, autocommit=True) as server:
                server.execute("ALTER DATABASE incidents ALLOW_CONNECTIONS false")
                dispatch(new_report(reference="H7P-2QX-9MR"))
                wait(lambda: "cannot be delivered" in str(said))
                dispatch(new_report(reference="4FW-GXR-2CC"))
                server.execute("ALTER DATABASE incidents ALLOW_CONNECTIONS true")
            wait(lambda: Incident.objects.count() == 2)
            print(json.dumps(sorted(Incident.objects.values_list("reference", flat=True))), flush=True)
            """,
            database,
        )

        assert told == ["4FW-GXR-2CC", "H7P-2QX-9MR"]

    def test_parent_and_child_each_write_their_own_once(self, database: dict[str, Any]) -> None:
        told, _ = run(
            """
            import threading
            from enrollment_errors.incidents.buffer import IncidentSender
            call_command("migrate", verbosity=0)
            connection.close()
            dispatch(new_report(reference="parent before"))
            if child := os.fork():
                dispatch(new_report(reference="parent after"))
                os.waitpid(child, 0)
                wait(lambda: Incident.objects.count() >= 3)
                wait(lambda: IncidentSender.thread_name not in [thread.name for thread in threading.enumerate()])
                print(json.dumps(sorted(Incident.objects.values_list("reference", flat=True))), flush=True)
            else:
                dispatch(new_report(reference="child"))
            """,
            database,
        )

        assert told == ["child", "parent after", "parent before"]

    def test_what_a_process_has_at_its_end_is_still_written(self, database: dict[str, Any]) -> None:
        run("call_command('migrate', verbosity=0); dispatch(new_report()); print(1, flush=True)", database)

        told, _ = run("print(json.dumps(Incident.objects.count()), flush=True)", database)
        assert told == 1

    def test_processes_that_meet_the_same_new_endings_at_once_count_them_together(
        self, database: dict[str, Any]
    ) -> None:
        told, _ = run(
            """
            from enrollment_errors.incidents.buffer import End, IncidentSender
            from tests.incidents.conftest import facts
            call_command("migrate", verbosity=0)
            connection.close()
            codes = [f"code-{number}" for number in range(20)]
            children, start = [], time.time() + 0.5
            for process in range(4):
                if not (child := os.fork()):
                    time.sleep(max(0, start - time.time()))
                    sender = IncidentSender(background=False)
                    for code in codes[:: 1 if process % 2 else -1]:
                        sender.put(End(facts(code=code)))
                    sender.flush()
                    sys.exit()
                children.append(child)
            assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
            by_day = sorted(DayCount.objects.values_list("ending__code", "count"))
            assert by_day == sorted((code, 4) for code in codes), by_day
            print(json.dumps([Ending.objects.count(), MinuteCount.objects.count()]), flush=True)
            """,
            database,
        )

        assert told == [20, 80]

    def test_a_count_that_comes_while_its_ending_is_being_forgotten_makes_it_again(
        self, database: dict[str, Any]
    ) -> None:
        told, _ = run(
            """
            with psycopg.connect(**where) as other:
                other.execute("DELETE FROM enrollment_incidents_ending")
                writing = Thread(target=count)
                writing.start()
                wait(one_waits)
            writing.join()
            print(json.dumps([Ending.objects.get().first_at == LATER, DayCount.objects.get().count]), flush=True)
            """,
            database,
            preamble=MEANWHILE,
        )

        assert told == [True, 1]

    def test_an_ending_that_gets_a_count_while_it_is_being_forgotten_stays(self, database: dict[str, Any]) -> None:
        told, _ = run(
            """
            with psycopg.connect(**where) as other:
                other.execute("SET CONSTRAINTS ALL IMMEDIATE")
                other.execute(
                    "INSERT INTO enrollment_incidents_minutecount (ending_id, count, unlisted, last_at)"
                    " SELECT id, 1, 0, now() FROM enrollment_incidents_ending"
                )
                forgetting = Thread(target=forget)
                forgetting.start()
                wait(one_waits)
            forgetting.join()
            print(json.dumps(Ending.objects.get().first_at == AT), flush=True)
            """,
            database,
            preamble=MEANWHILE,
        )

        assert told is True
