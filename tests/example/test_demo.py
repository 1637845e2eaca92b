"""The demo around the example site: scenarios that end as they say, and the operator's page."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from .rider import Rider
from .running import EXAMPLE_PROJECT, RunningDemo

pytestmark = pytest.mark.ci_only

# Where riders end up in each scenario if they do what its notice says.
ENDS = {
    "healthy": "success",
    "already-enrolled": "success",
    "unknown-conflict": "success",
    "answer-lost": "success",
    "link-breaks-once": "success",
    "down": "system-error",
    "error-500": "system-error",
    "error-503": "system-error",
    "finished-later": "finishing",
    "hanging": "system-error",
    "trickle": "system-error",
    "still-checking": "still-checking",
    "wrong-credentials": "server-error",
    "no-token": "server-error",
    "gateway-page": "still-checking",
    "conflict-elsewhere": "server-error",
    "unknown-card": "server-error",
    "expiry-not-clearable": "server-error",
    "card-refused": "check-card",
    "form-not-loaded": "system-error",
    "form-error": "system-error",
    "form-error-no-status": "system-error",
    "form-error-401": "server-error",
    "too-early": "too-early",
    "in-window": "success",
    "expired": "success",
    "expiry-set": "success",
    "switchio-healthy": "success",
    "switchio-enrolled": "success",
    "switchio-too-early": "too-early",
    "switchio-refused": "check-card",
    "switchio-failed": "system-error",
    "switchio-cancelled": "",
    "switchio-left": "",
    "switchio-expired": "",
    "switchio-down": "system-error",
    "switchio-wrong-secret": "server-error",
    "switchio-still-checking": "still-checking",
    "regional": "",
    "regional-one-fails": "partial",
    "regional-answer-lost": "partial",
}
WAYS = {"Cancel": "cancel", "Go back without finishing": "leave", "Let the visit expire": "expire"}
CARDS = {
    "Visa debit, enrolls normally": "visa",
    "Mastercard, already enrolled": "enrolled",
    "Visa, enrolled for another 180 days": "too-early",
    "Visa, enrollment ends in 5 days": "in-window",
    "Visa, enrollment ended yesterday": "expired",
    "Visa that the processor does not know": "unknown",
    "Card details refused": "refused",
    "Card form error 500": "error-500",
    "Card form error 401": "error-401",
    "Card form error without a status": "error",
}
BENEFITS = {
    "Older adults": "older-adult",
    "Riders with low income": "low-income",
    "Older adults, in the whole region": "regional",
    "Riders with an agency card": "agency-card",
}


def test_the_start_page_offers_every_scenario(rider: Rider) -> None:
    offered = re.findall(r'action="/demo/scenarios/([\w-]+)/"', rider.get("/demo/").text)
    assert sorted(offered) == sorted(ENDS)


@pytest.mark.parametrize("scenario", ENDS)
def test_a_scenario_ends_for_the_rider_as_it_says(rider: Rider, scenario: str) -> None:
    agency_page = rider.post(f"/demo/scenarios/{scenario}/")
    notice = re.search(r"Benefit: (.+?)\. (?:Test card|At the processor press): (.+?)\.\n", agency_page.text)
    assert notice
    agency = agency_page.url.rstrip("/").rpartition("/")[2]
    rider.qualify(BENEFITS[notice[1]], agency)
    end = rider.enroll(CARDS.get(notice[2], ""), WAYS.get(notice[2], ""))
    assert re.search(r"/enrollment/([a-z-]*)", end.url)[1] == ENDS[scenario]


@pytest.mark.parametrize(
    ("scenario", "agency"), [("still-checking", "mountain"), ("switchio-still-checking", "desert")]
)
def test_checking_again_finds_the_card_enrolled(rider: Rider, scenario: str, agency: str) -> None:
    rider.post(f"/demo/scenarios/{scenario}/")
    rider.qualify(agency=agency)
    still_checking = rider.enroll()
    assert "/enrollment/success/" in rider.post(still_checking.url).url


def test_a_scenario_begins_as_if_nothing_had_been_before(demo: RunningDemo, rider: Rider) -> None:
    rider.post("/demo/scenarios/wrong-credentials/")
    rider.qualify()
    rider.enroll()
    demo.events(sentry=1, amplitude=1)
    rider.post("/demo/scenarios/healthy/")
    assert rider.get("/enrollment/").status_code == 403
    assert demo.events(sentry=0, amplitude=0) == ([], [])
    rider.qualify()
    assert "/enrollment/success/" in rider.enroll().url


def test_a_scenario_that_is_not_there_is_not_found(rider: Rider) -> None:
    assert rider.post("/demo/scenarios/apocalypse/").status_code == 404


def test_the_operators_page_says_that_there_is_nothing_yet(rider: Rider) -> None:
    assert "Nothing yet." in rider.get("/demo/operator/").text


def test_the_operators_page_shows_what_was_told_under_the_riders_reference(demo: RunningDemo, rider: Rider) -> None:
    rider.post("/demo/scenarios/error-503/")
    rider.qualify()
    end = rider.enroll()
    demo.events(sentry=1, amplitude=3)
    shown = re.search(r'aria-hidden="true">([\w-]+)<', end.text)
    assert shown
    page = rider.get("/demo/operator/").text
    told = re.findall(r'<span class="to to-\w+">(\w+)</span> ([^<]+)</h2>.*?<strong>([\w-]+)</strong>', page, re.DOTALL)
    assert [(to, name) for to, name, reference in told if reference == shown[1]] == [
        ("Sentry", "StatusError"),
        ("Amplitude", "returned enrollment"),
    ]
    assert page.count("processor_error") >= 2


def test_the_demo_ends_in_order_when_it_is_told_to(tmp_path: Path) -> None:
    demo = RunningDemo(tmp_path / "db.sqlite3")
    assert requests.get(f"{demo.url}/demo/", timeout=10).ok
    assert demo.stop() == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{demo.url}/demo/", timeout=10)


def test_the_demo_starts_again_on_the_database_that_it_left(tmp_path: Path) -> None:
    for _ in range(2):
        demo = RunningDemo(tmp_path / "db.sqlite3")
        assert requests.get(f"{demo.url}/demo/", timeout=10).ok
        assert demo.stop(signal.SIGINT) == 0


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, EXAMPLE_PROJECT / "demo" / "run.py", f"--port={port}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert f"Port {port} cannot be used" in run.stderr
