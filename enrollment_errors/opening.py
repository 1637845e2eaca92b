"""Opens an account's processor for one rider's calls."""

from __future__ import annotations

from collections.abc import Iterable

from . import conf
from .clock import SYSTEM_CLOCK, Deadline
from .glance import Glance
from .processors.account import Account
from .processors.base import Processor
from .shared_cache import SharedCache
from .transport import Limits
from .transport.circuit import CircuitState, Phase, read_state, state_key
from .transport.token_cache import last_keys


def open_processor(
    account: Account,
    *,
    parties: Iterable[str] = (),
    deadline: Deadline | None = None,
    glance: Glance | None = None,
    whatever_the_circuit: bool = False,
) -> Processor:
    """A processor whose calls share one time budget: ``deadline``, or one that starts now.

    ``parties`` says whom the calls are for, and ``glance`` is the request's: see ``ProcessorHttp``. Use
    ``whatever_the_circuit`` for calls that an operator wants to make anyway: they neither check the circuit nor change
    it.
    """
    settings = conf.get_settings()
    processor = account.open(
        deadline=deadline or Deadline(settings.BUDGET), limits=limits(settings), parties=parties, glance=glance
    )
    if whatever_the_circuit:
        for http in processor.http_to.values():
            http.circuit = None
    return processor


def glance_at(account: Account) -> Glance:
    """For one request: reads what the account's calls need of the cache together with whatever else is included."""
    glance = Glance(SharedCache(conf.get_settings().CACHE), SYSTEM_CLOCK)
    glance.include(*map(state_key, account.circuits), *last_keys(account.name))
    return glance


_FROM_WORST = (Phase.OPEN, Phase.HALF_OPEN, Phase.UNKNOWN, Phase.CLOSED)


def circuit_state(account: Account) -> CircuitState:
    """The state of the account's circuit, for operators and pages. If it has several, the worst. Reads the cache and
    changes nothing."""
    settings = conf.get_settings()
    states = [read_state(name, settings.CACHE, open_for=settings.BREAKER_OPEN) for name in account.circuits]
    return min(states, key=lambda state: _FROM_WORST.index(state.phase))


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
