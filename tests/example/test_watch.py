"""In the running demo, the watch finds an outage without a rider, and shows it everywhere that people look."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .running import EXAMPLE_PROJECT, RunningDemo, run_demo

pytestmark = pytest.mark.ci_only

demo = pytest.fixture(scope="module", name="demo")(run_demo)

NOT_NOW = "You cannot enroll right now"


@pytest.fixture
def operator(demo: RunningDemo) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.get(f"{demo.url}/demo/operator/").raise_for_status()
        headers = {"X-CSRFToken": session.cookies["csrftoken"]}
        session.post(f"{demo.url}/demo/operator/sign-in/", headers=headers).raise_for_status()
        yield session


def refused(demo: RunningDemo) -> list[str]:
    """The accounts whose connection is refused, according to the health check in a separate process. That process does
    not have the demo's secrets, so it also finds other problems."""
    code = """if True:
        import asyncio, django
        django.setup()
        from enrollment_errors.health import EnrollmentAvailability
        from health_check.exceptions import ServiceUnavailable
        try:
            asyncio.run(EnrollmentAvailability().run())
        except ServiceUnavailable as error:
            print(error.message)
    """
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "example.settings",
        "DATABASE": str(demo.database),
        "PYTHONPATH": os.pathsep.join([str(EXAMPLE_PROJECT), str(EXAMPLE_PROJECT.parent)]),
    }
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return sorted(re.findall(r"(\w+): connection_refused", said))


def test_an_outage_is_told_once_and_so_is_its_end(demo: RunningDemo, operator: requests.Session) -> None:
    def page(path: str) -> str:
        return operator.get(f"{demo.url}{path}").text

    def availability(account: str) -> Any:
        return operator.get(f"{demo.url}/status/enrollment/").json()["accounts"][account]["availability"]

    def alerts(count: int) -> list[str]:
        return [event["message"] for event in demo.events(sentry=count, amplitude=0)[0]]

    demo.choose("healthy")
    demo.watch()
    assert availability("mountain")["is_available"]
    assert NOT_NOW not in page("/agencies/mountain/")

    demo.break_processor(**{"*": {"kind": "down"}})
    for _ in range(2):
        demo.watch()

    assert not availability("mountain")["is_available"]
    assert not availability("harbor")["is_available"]
    assert availability("desert")["is_available"], "it has another processor"
    assert NOT_NOW in page("/agencies/mountain/")
    overview = page("/admin/enrollment_incidents/ending/")
    assert availability("mountain")["why"] in overview
    # Two clicks from the admin's first page, by way of the overview.
    assert 'href="/admin/enrollment_incidents/ending/"' in page("/admin/")
    finding = re.search(r'href="(/admin/enrollment_watch/watched/\d+/change/)"', overview)
    assert finding
    assert "Riders cannot enroll: connection_refused" in page(finding[1])
    assert refused(demo) == ["harbor", "mountain"]
    told = alerts(2)
    assert sorted(account for account in ("harbor", "mountain") for text in told if account in text.lower()) == [
        "harbor",
        "mountain",
    ], told

    demo.mend_processor()
    for _ in range(2):
        demo.watch()

    assert availability("mountain")["is_available"]
    assert NOT_NOW not in page("/agencies/mountain/")
    assert refused(demo) == []
    assert sum("works again" in text for text in alerts(4)) == 2
    assert len(alerts(4)) == 4
