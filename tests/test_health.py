"""django-health-check fails while riders cannot enroll."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from enrollment_errors.exceptions import ConnectionFailed
from enrollment_errors.health import EnrollmentAvailability
from enrollment_errors.transport.circuit import Circuit
from tests.transport.brittle_cache import BrittleCache


def result() -> Any:
    return asyncio.run(EnrollmentAvailability().get_result())


def test_it_passes_while_calls_go_on() -> None:
    assert result().error is None


def test_it_fails_while_a_circuit_is_open_and_names_the_account() -> None:
    circuit = Circuit("littlepay", failures=1, window=30, open_for=60, cache="default")
    with pytest.raises(ConnectionFailed), circuit.admit(1):
        raise ConnectionFailed

    assert "littlepay: circuit_open" in str(result().error)


def test_it_warns_where_the_cache_does_not_answer(settings: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrittleCache, "is_down", True)
    settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
    site(CACHE="broken")

    assert "cache does not answer" in str(result().error)
