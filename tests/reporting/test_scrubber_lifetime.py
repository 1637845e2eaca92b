"""Without Sentry's Django integration, a scope outlives its requests. Their scrubbers do not pile up in it."""

from __future__ import annotations

import sentry_sdk

from enrollment_errors.reporting.sentry_scrubbing import RequestScrubber
from tests.rider import Rider


def scrubbers(scope):
    return [processor for processor in scope._event_processors if isinstance(processor, RequestScrubber)]


def test_the_scrubber_of_a_request_that_is_over_makes_room_for_the_next(telemetry):
    rider = Rider().becomes_eligible()
    for _ in range(20):
        rider.client.get("/enrollment/")
    for scope in (sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope()):
        assert 0 < len(scrubbers(scope)) <= 2
