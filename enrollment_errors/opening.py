"""From an account to a processor that can make one rider's calls."""

from __future__ import annotations

from collections.abc import Iterable

from . import conf
from .clock import Deadline
from .processors.account import Account
from .processors.base import Processor
from .transport import Limits, ProcessorHttp
from .transport.circuit import CircuitState, read_state


def open_processor(account: Account, *, parties: Iterable[str] = ()) -> Processor:
    """A processor whose calls share one budget of time, which starts now.

    ``parties`` are whom the calls are made for: see ``ProcessorHttp``.
    """
    settings = conf.get_settings()
    http = ProcessorHttp(
        account.name,
        account.processor.base_url(account.options),
        deadline=Deadline(settings.BUDGET),
        limits=limits(settings),
        tls_context=account.tls_context,
        parties=parties,
    )
    return account.processor(account.name, account.options, http)


def circuit_state(account_name: str) -> CircuitState:
    """Of the account's circuit, for operators and pages. Asks the cache, and changes nothing."""
    settings = conf.get_settings()
    return read_state(account_name, settings.CACHE, open_for=settings.BREAKER_OPEN)


def limits(settings: conf.Settings) -> Limits:
    return Limits(
        connect_timeout=settings.CONNECT_TIMEOUT,
        read_timeout=settings.READ_TIMEOUT,
        attempts=settings.ATTEMPTS,
        max_calls=settings.MAX_CALLS,
        max_calls_wait=settings.MAX_CALLS_WAIT,
        breaker_failures=settings.BREAKER_FAILURES,
        breaker_window=settings.BREAKER_WINDOW,
        breaker_open=settings.BREAKER_OPEN,
        cache=settings.CACHE,
    )
