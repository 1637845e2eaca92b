"""What stands around the site in the demo: the sandbox for the processor, the sink for Sentry and Amplitude.

One of each, in the site's own process, so that choosing a scenario can also forget what the site has cached.
"""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest

from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink

from .agencies import GROUPS
from .scenarios import BY_SLUG, Scenario
from .telemetry import Told, read

AGENCY = "mountain"
"""The agency whose riders the scenarios are about: it offers every benefit."""


class Stage:
    def __init__(self) -> None:
        self.sandbox = SandboxServer(Littlepay(GROUPS))
        self.sink = TelemetrySink()
        self.scenario: Scenario | None = None
        self._since = 0.0

    def show(self, slug: str) -> None:
        """From a clean start: an earlier walk leaves nothing with the processor, in our caches or in telemetry."""
        self.scenario = BY_SLUG[slug]
        self.sandbox.reset()
        self.sandbox.state.link_conflict = self.scenario.conflict
        for endpoint, fault in self.scenario.faults.items():
            self.sandbox.faults.set(endpoint, fault)
        cache.clear()
        self._since = time.time()
        self.sink.clear()

    def told(self) -> list[Told]:
        """What Sentry and Amplitude were told since the scenario came on, newest first.

        What was still on its way when it came on is left out.
        """
        told = read(list(self.sink.sentry_events), list(self.sink.amplitude_events))
        return sorted((one for one in told if one.at.timestamp() >= self._since), key=lambda one: one.at, reverse=True)


STAGE = Stage()


def scenario_on_stage(request: HttpRequest) -> dict[str, Any]:
    """For the notice on top of every page."""
    return {"demo_scenario": STAGE.scenario}
