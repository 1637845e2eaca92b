"""The example site as ``make demo`` runs it, in a process of its own, and what tests ask of it."""

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
"""Seconds that a rider waits at most for the processor, in place of the 8 of a person's demo."""

_QUIET = 2 * BATCH_SECONDS
"""Longer than Amplitude's events are gathered: what has not come by then does not come."""


class RunningDemo:
    """``environment`` is what the site finds there beside what the demo puts there, such as secrets. ``script`` runs
    the demo."""

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
        """The exit status after that signal."""
        self.process.send_signal(number)
        with self.process:
            return self.process.wait(timeout=10)

    def choose(self, scenario: str) -> None:
        """For everybody: the scenario is the processor's."""
        with requests.Session() as session:
            session.get(f"{self.url}/demo/").raise_for_status()
            headers = {"X-CSRFToken": session.cookies["csrftoken"]}
            session.post(f"{self.url}/demo/scenarios/{scenario}/", headers=headers).raise_for_status()

    def settle(self) -> None:
        """What riders were promised is tried, though no minute has passed."""
        self._do("settle")

    def watch(self) -> None:
        """Each account and group is looked at, without a rider."""
        self._do("watch")

    def _do(self, what: str) -> None:
        with requests.Session() as session:
            session.get(f"{self.url}/demo/operator/").raise_for_status()
            headers = {"X-CSRFToken": session.cookies["csrftoken"]}
            session.post(f"{self.url}/demo/operator/{what}/", headers=headers).raise_for_status()

    def break_processor(self, **faults: Mapping[str, Any]) -> None:
        """The sandbox's faults by endpoint, beside those of the scenario."""
        requests.post(f"{self.sandbox_url}/sandbox/faults", json=faults, timeout=5).raise_for_status()

    def mend_processor(self) -> None:
        requests.delete(f"{self.sandbox_url}/sandbox/faults", timeout=5).raise_for_status()

    def events(self, *, sentry: int, amplitude: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What Sentry and Amplitude were told: as many as are expected, and none that comes later."""

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
