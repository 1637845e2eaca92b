"""In the running demo an outage is found without a rider, and everybody who looks hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .running import RunningDemo, run_demo

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
    assert sum("works again" in text for text in alerts(4)) == 2
    assert len(alerts(4)) == 4
