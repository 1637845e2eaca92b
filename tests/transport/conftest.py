from __future__ import annotations

import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from enrollment_errors.clock import SYSTEM_CLOCK, Clock, Deadline
from enrollment_errors.transport import Limits, ProcessorHttp

from .certificates import Certificate, make_certificate
from .clocks import FakeClock, cache_on
from .fleet import BACKENDS
from .upstream import Behaviour, Upstream, well

LIMITS = {
    "connect_timeout": 2.0,
    "read_timeout": 3.0,
    "attempts": 3,
    "max_calls": 16,
    "max_calls_wait": 0.25,
    "breaker_failures": 100,  # out of the way of tests that are about something else
    "breaker_window": 30.0,
    "breaker_open": 10.0,
    "cache": "default",
}

Serve = Callable[..., Upstream]
Connect = Callable[..., ProcessorHttp]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(behave, tls=None)``: a server that is gone after the test."""
    with ExitStack() as stack:

        def start(behave: Behaviour = well, tls: ssl.SSLContext | None = None) -> Upstream:
            return stack.enter_context(Upstream(behave, tls))

        yield start


@pytest.fixture
def account() -> str:
    """A separate account for each test, because connections, places, and the circuit belong to the account."""
    return f"account-{uuid.uuid4().hex}"


@pytest.fixture
def connect(account: str) -> Connect:
    """``connect(url, budget=8, **limits)``: what a processor makes its calls with."""

    def make(
        url: str,
        budget: float = 8,
        tls_context: ssl.SSLContext | None = None,
        clock: Clock = SYSTEM_CLOCK,
        account: str = account,
        parties: Iterable[str] = (),
        **limits: Any,
    ) -> ProcessorHttp:
        return ProcessorHttp(
            account,
            url,
            deadline=Deadline(budget, clock),
            limits=Limits(**{**LIMITS, **limits}),
            tls_context=tls_context,
            parties=set(parties),
            clock=clock,
        )

    return make


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """A clock that the cache uses too."""
    clock = FakeClock()
    with cache_on(clock):
        yield clock


@pytest.fixture
def shared_cache(settings: Any, tmp_path: Path) -> None:
    """Makes the cache one that the processes on a host share."""
    settings.CACHES = {"default": {"BACKEND": BACKENDS["file"], "LOCATION": str(tmp_path)}}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))
