from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import sentry_sdk
from django.core.management import call_command

from enrollment_errors.sandbox.server import SandboxServer
from tests.doctor.conftest import authority, healthy, options, over_tls  # noqa: F401  fixtures
from tests.rider import Telemetry


@pytest.fixture(autouse=True)
def second_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enrollment_errors.watch.watching.SECOND_LOOK", 0)


@pytest.fixture
def run(db: None) -> Callable[..., str]:
    """Runs a command and returns what it prints."""

    def run(*command: str) -> str:
        out = StringIO()
        call_command(*command, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def told(telemetry: Telemetry) -> Callable[[], list[str]]:
    """What Sentry has received since the last call: the level and the text of each message."""
    seen = 0

    def told() -> list[str]:
        nonlocal seen
        sentry_sdk.flush(timeout=5)
        events, seen = telemetry.sentry[seen:], len(telemetry.sentry)
        return [f"{event['level']}: {event['message']}" for event in events if "message" in event]

    return told


@pytest.fixture
def switched_off_processor(sandbox: SandboxServer) -> Callable[[bool], None]:
    def change(is_down: bool) -> None:
        sandbox.stop() if is_down else sandbox.start()

    return change


@pytest.fixture
def agencies(site: Any, healthy: None) -> None:  # noqa: F811  the fixture
    """A site that names the groups that it enrolls riders in."""
