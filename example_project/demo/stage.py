"""What surrounds the site in the demo: sandboxes for the processors, and a sink for Sentry and Amplitude.

All of it runs in the site's own process, so choosing a scenario can also clear what the site has cached.
"""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.core.management import call_command
from django.http import HttpRequest
from django.utils import timezone

from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink
from enrollment_errors.sandbox.switchio import Switchio

from .agencies import groups_at
from .scenarios import BY_SLUG, Scenario
from .telemetry import Told, read


class Stage:
    def __init__(self) -> None:
        self.littlepay = Littlepay(groups_at("littlepay"))
        self.switchio = Switchio(groups_at("switchio"))
        self.sandboxes = {service.name: SandboxServer(service) for service in (self.littlepay, self.switchio)}
        self.sink = TelemetrySink()
        self.scenario: Scenario | None = None
        self._since = 0.0

    def show(self, slug: str) -> None:
        """Starts afresh: clears what earlier walks left with the processor, in our caches, in telemetry and to settle,
        and what the watch has found."""
        self.scenario = BY_SLUG[slug]
        for sandbox in self.sandboxes.values():
            sandbox.reset()
        self.littlepay.state.link_conflict = self.scenario.conflict
        for endpoint, faults in self.scenario.faults.items():
            self.sandboxes[self.scenario.processor].faults.set(endpoint, *faults)
        cache.clear()
        _all_of("enrollment_settling.SentLink").delete()
        _all_of("enrollment_watch.Watched").delete()
        self._since = time.time()
        self.sink.clear()

    def settle(self) -> None:
        """Does what a real site does every few minutes, but without the minute that a promise waits first."""
        _all_of("enrollment_settling.SentLink").filter(state="finishing").update(next_at=timezone.now())
        call_command("settle_enrollments", stdout=StringIO())

    def watch(self) -> None:
        """Does what a real site does every few minutes, too."""
        call_command("watch_enrollment", stdout=StringIO())

    def told(self) -> list[Told]:
        """What Sentry and Amplitude have received since the scenario began, newest first.

        Leaves out what was already on its way when the scenario began.
        """
        told = read(list(self.sink.sentry_events), list(self.sink.amplitude_events))
        return sorted((one for one in told if one.at.timestamp() >= self._since), key=lambda one: one.at, reverse=True)


def _all_of(model: str) -> Any:
    return apps.get_model(model).objects.all()  # Django is not set up yet when the stage is


STAGE = Stage()


def scenario_on_stage(request: HttpRequest) -> dict[str, Any]:
    """For the notice on top of every page."""
    return {"demo_scenario": STAGE.scenario}
