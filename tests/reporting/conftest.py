"""Reports to send, and servers in this process that receive them over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from django.conf import LazySettings

from enrollment_errors.sandbox.sinks import TelemetrySink

from .reports import new_report


@pytest.fixture
def report() -> Callable[..., Any]:
    return new_report


@pytest.fixture
def sink() -> Iterator[TelemetrySink]:
    with TelemetrySink() as server:
        yield server


@pytest.fixture
def amplitude(sink: TelemetrySink, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> TelemetrySink:
    """Amplitude, with the site set up to send to it."""
    monkeypatch.setattr("enrollment_errors.reporting.background.BATCH_SECONDS", 0.02)
    settings.ENROLLMENT_ERRORS = {
        **settings.ENROLLMENT_ERRORS,
        "AMPLITUDE_API_KEY": "tests-amplitude-key",
        "AMPLITUDE_SERVER_URL": sink.amplitude_url,
        "RELEASE": "2026.11.1",
    }
    return sink


@pytest.fixture
def start_sentry(sink: TelemetrySink) -> Iterator[Callable[..., TelemetrySink]]:
    """Initializes the real SDK as a site would, with the sink as its server."""

    def start(**options: Any) -> TelemetrySink:
        sentry_sdk.init(dsn=sink.dsn, **options)
        return sink

    with sentry_sdk.isolation_scope():
        yield start
    sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def sentry(start_sentry: Callable[..., TelemetrySink]) -> TelemetrySink:
    return start_sentry()
