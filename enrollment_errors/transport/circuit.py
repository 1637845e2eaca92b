"""The circuit breaker of a processor account, shared by all processes and hosts through Django's cache.

::

    closed ── failures within the window ──▶ open ── its time is over ──▶ half-open: one caller probes
       ▲                                       ▲                              │         │
       │                                       └──────── it fails ────────────┘         │
       └───────────────────────────────────────────────── it is answered ───────────────┘

The state is one record in the cache, with its own id. A closed circuit costs one read of it. Everything else depends on
that id. Failures count under the record that their call saw when it started, so a failure from before a recovery does
not count after it. A caller that changes the state first claims the change by ``cache.add``, so every change happens
once, however many callers see its cause. If the cache is down, calls go on.

No single rider can open the circuit or keep it open. A call is made for parties, such as the rider's session and the
card, and each party counts as one failure within the window, however often it fails. Callers whose parties have not
failed probe first. The others get their turn if no one else has come, and their failure does not keep anyone waiting.
The tradeoff: one rider who tries again and again while no one else does never opens it.

With a cache in local memory, each process has its own circuit, but only one process of a host probes at a time: two
that wait for a hanging processor could be all the workers of a small web server.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote

from django.dispatch import Signal

from ..clock import SYSTEM_CLOCK, Clock
from ..encryption import keyed_digest
from ..exceptions import CircuitOpen, ProcessorBusy, StatusError, TransportError
from ..glance import Glance
from ..processes import host_lock
from ..shared_cache import CLOCKS_APART, CacheDown, SharedCache, Slots, is_recent

circuit_opened = Signal()
"""Sent once, by one process of the fleet, when an account's circuit opens: ``account``, ``state`` (a ``CircuitState``)
and ``error``, the failure that opened it. A failed probe does not send it again. Receivers run in a rider's request."""

circuit_closed = Signal()
"""Sent once when it closes again: ``account``, ``state`` and ``seconds``, how long it was open."""

CLAIM = 10.0
"""Seconds that a claim to a state change is valid, so a caller that dies does not block the change forever."""


class Phase(str, Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    UNKNOWN = "unknown"  # the cache is down


@dataclass(frozen=True, kw_only=True)
class CircuitState:
    """Epoch seconds: ``since`` is the last change (``None``: never), ``until`` is when the next probe is due."""

    phase: Phase
    since: float | None = None
    until: float | None = None


class _Record(NamedTuple):
    """``until`` is ``None`` if the circuit is closed."""

    id: str
    since: float
    until: float | None

    def state(self, now: float) -> CircuitState:
        if self.until is None:
            return CircuitState(phase=Phase.CLOSED, since=self.since or None)
        phase = Phase.OPEN if now < self.until else Phase.HALF_OPEN
        return CircuitState(phase=phase, since=self.since, until=self.until)


_NEVER_OPENED = _Record("", 0.0, None)


_PROBE = "probe"
_LATE_PROBE = "probe.late"
"""The probe of a caller that has just failed: beside the probe of others, and never in its way."""


def state_key(account: str) -> str:
    """The cache's key for what ``read_state`` reads."""
    return _key(account, "state")


def read_state(account: str, cache: str, *, open_for: float, clock: Clock = SYSTEM_CLOCK) -> CircuitState:
    """For operators: changes and claims nothing. ``cache`` is the cache's alias."""
    now = clock.time()
    try:
        return _record_in(SharedCache(cache).get(state_key(account)), open_for, now).state(now)
    except CacheDown:
        return CircuitState(phase=Phase.UNKNOWN)


class Circuit:
    """``failures`` within ``window`` seconds open it for ``open_for`` seconds."""

    def __init__(
        self,
        account: str,
        *,
        failures: int,
        window: float,
        open_for: float,
        cache: str,
        clock: Clock = SYSTEM_CLOCK,
        glance: Glance | None = None,
    ) -> None:
        """``glance`` holds what the calls of one request have read; without it, each call reads for itself."""
        self._account = account
        self._failures = failures
        self._window = window
        self._open_for = open_for
        self._cache = SharedCache(cache)
        self._clock = clock
        self._glance = glance or Glance(self._cache, clock, holds_for=0)
        self._glance.include(state_key(account))

    @contextmanager
    def admit(self, longest: float, parties: Collection[str] = ()) -> Iterator[None]:
        """Wrap one call for ``parties`` that takes at most ``longest`` seconds. Raises ``CircuitOpen`` instead of
        making it. A call without parties counts each time it fails."""
        with ExitStack() as alone:
            record, probe = self._admitted(longest, parties, alone)
            try:
                yield
            except (TransportError, StatusError) as error:
                with suppress(CacheDown):
                    self._settle(record, probe, error, parties)
                raise
            except BaseException:  # says nothing about the processor, so the next caller may probe
                with suppress(CacheDown):
                    self._withdraw(record, probe)
                raise
            with suppress(CacheDown):
                self._settle(record, probe, None, parties)

    def _admitted(self, longest: float, parties: Collection[str], alone: ExitStack) -> tuple[_Record, str]:
        """The record that the call saw, and which probe it is: none (``""``) while the circuit is closed."""
        try:
            record = self._record_in(self._glance.get(state_key(self._account)))
            if record.until is None:
                return record, ""
            self._glance.forget()  # the call that gets through changes it
            probe = self._probe_that_is_due(record.until, parties)
            seconds = longest if probe == _PROBE else max(longest, self._open_for)
            if probe and alone.enter_context(self._one_of_the_host()) and self._claim(seconds, probe, record.id):
                return record, probe
        except CacheDown:
            return _NEVER_OPENED, ""
        raise CircuitOpen("the processor is known to be down")

    def _probe_that_is_due(self, until: float, parties: Collection[str]) -> str:
        now = self._clock.time()
        if now < until:
            return ""
        if not self._have_failed(parties, now):
            return _PROBE
        return "" if now < until + self._open_for else _LATE_PROBE

    def _one_of_the_host(self) -> AbstractContextManager[bool]:
        if self._cache.is_of_one_process:
            return host_lock(f"probe.{self._account}")
        return nullcontext(True)

    def _settle(
        self, record: _Record, probe: str, error: TransportError | StatusError | None, parties: Collection[str]
    ) -> None:
        if isinstance(error, ProcessorBusy):
            self._withdraw(record, probe)
        elif error is None or (isinstance(error, StatusError) and error.status < 500):
            if probe:
                self._close(record)
        else:
            is_news = self._note_failure_of(parties)
            if probe == _PROBE:
                self._leave(record, since=record.since, until=self._clock.time() + self._open_for)
            elif not probe and is_news and self._is_one_too_many(record):
                self._open(record, error)

    def _withdraw(self, record: _Record, probe: str) -> None:
        if probe:
            self._cache.delete(_key(self._account, probe, record.id))

    def _note_failure_of(self, parties: Collection[str]) -> bool:
        """Mark each of them as failed. Returns whether none of them had failed within the window."""
        is_new = [self._claim(self._window, *_of_party(party)) for party in parties]
        return all(is_new)

    def _have_failed(self, parties: Collection[str], now: float) -> bool:
        found = self._cache.get_many([_key(self._account, *_of_party(party)) for party in parties]) if parties else {}
        return any(is_recent(failed_at, self._window, now) for failed_at in found.values())

    def _open(self, record: _Record, error: TransportError | StatusError) -> None:
        now = self._clock.time()
        opened = self._leave(record, since=now, until=now + self._open_for)
        if opened is not None:
            circuit_opened.send_robust(Circuit, account=self._account, state=opened.state(now), error=error)

    def _close(self, record: _Record) -> None:
        now = self._clock.time()
        closed = self._leave(record, since=now, until=None)
        if closed is not None:
            circuit_closed.send_robust(
                Circuit, account=self._account, state=closed.state(now), seconds=now - record.since
            )

    def _is_one_too_many(self, record: _Record) -> bool:
        """Each failure takes one of ``failures`` slots. The one that takes the last slot opens the circuit."""
        slots = Slots(self._cache, _key(self._account, "failure", record.id), self._failures, self._window)
        return slots.take(self._clock.time()).number == self._failures

    def _leave(self, record: _Record, *, since: float, until: float | None) -> _Record | None:
        """The record that replaces ``record``, or ``None`` if another caller replaced it first."""
        if not self._claim(CLAIM, "left", record.id):
            return None
        if self._record_in(self._cache.get(state_key(self._account))).id != record.id:
            return None
        new = _Record(uuid.uuid4().hex, since, until)
        self._cache.set(state_key(self._account), list(new), None)
        return new

    def _record_in(self, kept: object) -> _Record:
        return _record_in(kept, self._open_for, self._clock.time())

    def _claim(self, seconds: float, *parts: str) -> bool:
        return self._cache.claim(_key(self._account, *parts), seconds, self._clock.time())


def _key(account: str, *parts: str) -> str:
    return ".".join(("circuit", quote(account, safe=""), *parts))


def _of_party(party: str) -> tuple[str, str]:
    return "party", keyed_digest("party", party)


def _record_in(kept: object, open_for: float, now: float) -> _Record:
    match kept:
        case [str(id_), float(since), float() | None as until] if math.isfinite(since) and math.isfinite(until or 0):
            if until is not None and until > now + open_for + CLOCKS_APART:
                until = now - open_for  # no host with a correct clock writes that, so any caller may probe
            return _Record(id_, min(since, now), until)
        case _:  # nothing, or written by another version of this package
            return _NEVER_OPENED
