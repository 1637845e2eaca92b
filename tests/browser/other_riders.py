"""Riders of agencies that nobody changes. They enroll one after another while something happens to other agencies."""

from __future__ import annotations

import threading
from typing import Any

import requests

from tests.example.rider import Rider
from tests.waiting import wait_until


class OtherRiders:
    """``failed`` describes each of their requests that went wrong. It must stay empty."""

    def __init__(self, site: str, agencies: tuple[str, ...]) -> None:
        self.site = site
        self.failed: list[str] = []
        self.enrolled = dict.fromkeys(agencies, 0)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._enroll, args=(agency,)) for agency in agencies]

    def __enter__(self) -> OtherRiders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def go_on(self) -> None:
        """Waits until each agency has two more riders: only the second is sure to have started after this call."""
        before = dict(self.enrolled)
        wait_until(
            lambda: self.failed or all(self.enrolled[agency] >= before[agency] + 2 for agency in before),
            "an enrollment with each of the other agencies",
        )
        assert self.failed == []

    def _enroll(self, agency: str) -> None:
        while not self._end.is_set():
            try:
                with Rider(self.site) as rider:
                    rider.session.hooks["response"].append(self._look_at)
                    rider.qualify("agency-card", agency)
                    end = rider.enroll()
                if "/enrollment/success/" not in end.url:
                    self.failed.append(f"{agency}: a rider ended at {end.url}")
            except (requests.RequestException, AssertionError) as error:
                self.failed.append(f"{agency}: {error!r}")
            self.enrolled[agency] += 1

    def _look_at(self, answer: requests.Response, **_: Any) -> None:
        if answer.status_code >= 400:
            self.failed.append(f"{answer.request.method} {answer.url}: {answer.status_code}")
