"""Runs the example site as ``make demo`` does, in a process of its own, and lets tests control it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from enrollment_errors.reporting.background import BATCH_SECONDS
from tests.waiting import wait_until

EXAMPLE_PROJECT = Path(__file__).resolve().parents[2] / "example_project"
BUDGET = 1.6
"""Maximum seconds that a rider waits for the processor; 8 in ``make demo``."""

_QUIET = 2 * BATCH_SECONDS
"""Longer than a batch of events for Amplitude takes to fill: an event that is not there by then will not come."""


class RunningDemo:
    """``environment`` has more environment variables for the site, such as secrets, in addition to the demo's own.
    ``script`` runs the demo."""

    def __init__(
        self,
        database: Path,
        *,
        budget: float = BUDGET,
        environment: Mapping[str, str] | None = None,
        script: Path = EXAMPLE_PROJECT / "demo" / "run.py",
    ) -> None:
        self.database = database
        self.process = subprocess.Popen(
            [sys.executable, script, "--port=0", f"--database={database}", f"--budget={budget}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        assert self.process.stdout
        said = "".join(takewhile(lambda line: line != "Ctrl-C ends it.\n", self.process.stdout))
        addresses = dict(re.findall(r"^(.+?): +(\S+)$", said, re.MULTILINE))
        if self.process.poll() is not None or len(addresses) != 5:
            self.stop()
            raise AssertionError(f"The demo did not start: {said}")
        self.url = addresses["Start page"].removesuffix("/demo/")
        self.sandbox_url = addresses["Littlepay"].removesuffix("/sandbox/state")
        self.telemetry_url = addresses["Telemetry"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal and returns the exit status."""
        self.process.send_signal(number)
        with self.process:
            return self.process.wait(timeout=10)

    def choose(self, scenario: str) -> None:
        """Chooses the scenario for all riders, because it changes the processor."""
        with requests.Session() as session:
            session.get(f"{self.url}/demo/").raise_for_status()
            headers = {"X-CSRFToken": session.cookies["csrftoken"]}
            session.post(f"{self.url}/demo/scenarios/{scenario}/", headers=headers).raise_for_status()

    def settle(self) -> None:
        """Tries the links that riders were promised, without the usual wait of a minute."""
        self._do("settle")

    def watch(self) -> None:
        """Checks each account and group, without a rider."""
        self._do("watch")

    def _do(self, what: str) -> None:
        with requests.Session() as session:
            session.get(f"{self.url}/demo/operator/").raise_for_status()
            headers = {"X-CSRFToken": session.cookies["csrftoken"]}
            session.post(f"{self.url}/demo/operator/{what}/", headers=headers).raise_for_status()

    def break_processor(self, **faults: Mapping[str, Any]) -> None:
        """Sets the sandbox's faults by endpoint, in addition to the scenario's."""
        requests.post(f"{self.sandbox_url}/sandbox/faults", json=faults, timeout=5).raise_for_status()

    def mend_processor(self) -> None:
        requests.delete(f"{self.sandbox_url}/sandbox/faults", timeout=5).raise_for_status()

    def events(self, *, sentry: int, amplitude: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What Sentry and Amplitude received. Waits for the expected number, and then for any more that come."""

        def have_come() -> bool:
            told = self._told()
            return len(told["sentry"]) >= sentry and len(told["amplitude"]) >= amplitude

        wait_until(have_come, f"{sentry} events for Sentry and {amplitude} for Amplitude")
        time.sleep(_QUIET)
        told = self._told()
        return told["sentry"], told["amplitude"]

    def _told(self) -> dict[str, list[dict[str, Any]]]:
        told: dict[str, list[dict[str, Any]]] = requests.get(self.telemetry_url, timeout=5).json()
        return told


def run_demo(**options: Any) -> Iterator[RunningDemo]:
    """The body of a fixture."""
    with TemporaryDirectory() as folder:
        demo = RunningDemo(Path(folder) / "db.sqlite3", **options)
        try:
            yield demo
        finally:
            demo.stop()
