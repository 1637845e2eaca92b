"""How long an operator waits for the incidents' pages, with a million incidents on PostgreSQL."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
from django.conf import settings

from tests import settings as site
from tests.servers import PostgresServer, postgresql_programs

from .tables import milliseconds, print_table

DAYS = 90
TIMES = 15

# Two thirds of the failures come in twenty outages of two hours, each with one cause and one account. The rest come at
# any time, with any cause. There are 2 accounts, 20 agencies, 3 flows, 2 methods and 12 causes.
FAILURES = """
INSERT INTO enrollment_incidents_incident (
    reference, at, outcome, processor, account, agency, flow, method, stage, code, upstream_status,
    route, exception, seconds, side, release, sentry_event_id
)
SELECT
    'H7P-' || n, now() - ago, CASE WHEN cause % 3 = 0 THEN 'server_error' ELSE 'system_error' END,
    'littlepay', 'account-' || agency % 2, 'agency-' || agency, 'flow-' || n % 3,
    CASE WHEN n % 20 = 0 THEN 'in_person' ELSE 'self_service' END,
    (ARRAY['authorization', 'tokenization', 'lookup', 'link'])[1 + cause % 4], 'code-' || cause,
    CASE WHEN cause % 2 = 0 THEN 400 + cause END,
    'POST api/v1/concession_groups/{group_id}/fundingsources', 'StatusError', 0.5, 'backend', '2026.11.1',
    md5(n::text)
FROM (
    SELECT n, CASE WHEN n % 3 = 0 THEN floor(random() * 12)::int ELSE outage % 12 END AS cause,
        CASE WHEN n % 3 = 0 THEN floor(random() * 20)::int
             ELSE outage % 2 + 2 * floor(random() * 10)::int END AS agency,
        CASE WHEN n % 3 = 0 THEN random() * interval '90 days'
             ELSE outage * interval '3 days' + random() * interval '2 hours' END AS ago
    FROM (SELECT n, n % 30 AS outage FROM generate_series(1, 1000000) AS n) AS numbers
) AS facts
"""
ENDINGS = """
INSERT INTO enrollment_incidents_ending (
    outcome, processor, account, agency, flow, method, stage, code, upstream_status, key, first_at
)
SELECT outcome, processor, account, agency, flow, method, stage, code, upstream_status,
    md5(concat_ws('/', outcome, processor, account, agency, flow, method, stage, code, upstream_status)), min(at)
FROM enrollment_incidents_incident
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
UNION ALL
SELECT 'success', processor, account, agency, flow, method, 'link', 'linked', NULL,
    md5(concat_ws('/', processor, account, agency, flow, method)), min(at)
FROM enrollment_incidents_incident
GROUP BY 1, 2, 3, 4, 5, 6
"""
# Ordered by time, as the app writes them, with three successes for each failure outside of outages.
BY_MINUTE = """
INSERT INTO enrollment_incidents_minutecount (ending_id, count, unlisted, last_at)
SELECT ending.id, count(*), 0, max(at) AS last_at
FROM enrollment_incidents_incident AS incident JOIN enrollment_incidents_ending AS ending
    USING (outcome, processor, account, agency, flow, method, stage, code)
WHERE ending.upstream_status IS NOT DISTINCT FROM incident.upstream_status
GROUP BY ending.id, date_trunc('minute', at)
UNION ALL
SELECT ending.id, 3, 0, at
FROM enrollment_incidents_incident AS incident JOIN enrollment_incidents_ending AS ending
    USING (processor, account, agency, flow, method)
WHERE ending.outcome = 'success' AND incident.id % 3 = 0
ORDER BY last_at
"""
BY_DAY = """
INSERT INTO enrollment_incidents_daycount (ending_id, day, count, unlisted, last_at)
SELECT ending_id, date(last_at AT TIME ZONE 'America/Los_Angeles') AS day, sum(count), 0, max(last_at)
FROM enrollment_incidents_minutecount
GROUP BY ending_id, day
ORDER BY day
"""


def main() -> None:
    programs = postgresql_programs()
    if programs is None:
        print("Nothing is measured of the incidents: PostgreSQL's initdb is missing.")
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = PostgresServer(programs, Path(folder))
        server.start()
        try:
            _measure(server.settings)
        finally:
            server.stop()


def _measure(database: Mapping[str, Any]) -> None:
    _set_up(database)
    from django.core.management import call_command
    from django.db import connection

    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    for statement in (FAILURES, ENDINGS, BY_MINUTE, BY_DAY, "VACUUM ANALYZE"):
        run(statement)
    visits = _visits()
    before = [_times(visit) for visit in visits.values()]
    counts = _counts()
    started = time.perf_counter()
    call_command("prune_enrollments", verbosity=0)
    seconds = time.perf_counter() - started
    run("VACUUM ANALYZE")
    rows = [
        (name, *was, *_times(visit), _queries(visit)) for (name, visit), was in zip(visits.items(), before, strict=True)
    ]
    connection.close()
    print_table(
        f"The incidents' pages with a million incidents of {DAYS} days on PostgreSQL, {TIMES} times each",
        ("page", "never pruned", "best", "pruned nightly", "best", "queries"),
        rows,
        note=f"Never pruned there are {counts:,} counts; pruned, {_counts():,}, which took {seconds:.0f} s.\n"
        "Whole requests in one process, medians: session, permissions, queries and templates.",
    )


def _set_up(database: Mapping[str, Any]) -> None:
    everything = {name: getattr(site, name) for name in dir(site) if name.isupper()}
    everything["ENROLLMENT_ERRORS"] = {**site.ENROLLMENT_ERRORS, "INCIDENTS_KEPT_DAYS": DAYS + 1}
    settings.configure(**{**everything, "DATABASES": {"default": dict(database)}, "LOGGING_CONFIG": None})
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _visits() -> dict[str, Callable[[], object]]:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("operator", password=secrets.token_hex()))
    incidents, overview = "/admin/enrollment_incidents/incident/", "/admin/enrollment_incidents/ending/"
    addresses = {
        "list, newest first": incidents,
        "list, one agency": f"{incidents}?agency=agency-7",
        "list, one cause": f"{incidents}?code=code-5&stage=tokenization",
        "list, hundredth page": f"{incidents}?p=100",
        "overview by cause": overview,
        "overview, one agency": f"{overview}?agency=agency-7",
        "a reference": f"{incidents}?q=H7P2QX9MR",
    }
    return {name: partial(client.get, address) for name, address in addresses.items()}


def _times(visit: Callable[[], object]) -> tuple[str, str]:
    """The median and the best time."""
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        visit()
        times.append(time.perf_counter() - started)
    return milliseconds(statistics.median(times)), milliseconds(min(times))


def _queries(visit: Callable[[], object]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        visit()
    return len(captured)


def _counts() -> int:
    from enrollment_errors.incidents.models import DayCount, MinuteCount

    return DayCount.objects.count() + MinuteCount.objects.count()
