"""The circuit breaker of a processor account, shared by all processes and hosts through Django's cache.

::

    closed ── failures within the window ──▶ open ── its time is over ──▶ half-open: one caller probes
       ▲                                       ▲                              │         │
       │                                       └──────── it fails ────────────┘         │
       └───────────────────────────────────────────────── it is answered ───────────────┘

The state is one record in the cache with an id of its own, and a closed circuit costs one read of it. Everything else
hangs on that id: failures are counted under the record that their call saw at its start, so that none from before a
recovery counts after it; and whoever changes the state first claims, by ``cache.add``, to be the one that leaves that
record, so that every change happens once however many callers see its cause. Cache down: calls go on.

With a cache in local memory each process has a circuit of its own, yet one process of a host probes at a time: two
that wait for a processor that hangs would be all there is of a small web server.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote

from django.dispatch import Signal

from ..exceptions import CircuitOpen, ProcessorBusy, StatusError, TransportError
from .clock import SYSTEM_CLOCK, Clock
from .host_lock import host_lock
from .shared_cache import CacheDown, SharedCache

circuit_opened = Signal()
"""Sent once, by one process of the fleet, when an account's circuit opens: ``account``, ``state`` (a ``CircuitState``)
and ``error``, the failure that was one too many. A probe that fails does not open it again. Receivers run in a rider's
request."""

circuit_closed = Signal()
"""Sent once when it closes again: ``account``, ``state`` and ``seconds``, how long it was open."""

CLAIM = 10.0
"""Seconds for which the claim to a change of state stands: whoever makes one and dies does not block it for ever."""


class Phase(str, Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    UNKNOWN = "unknown"  # the cache is down


@dataclass(frozen=True, kw_only=True)
class CircuitState:
    """Epoch seconds: ``since`` when it is as it is (``None``: always), ``until`` when the next probe is due."""

    phase: Phase
    since: float | None = None
    until: float | None = None


class _Record(NamedTuple):
    """``until`` is ``None`` where the circuit is closed."""

    id: str
    since: float
    until: float | None

    def state(self, now: float) -> CircuitState:
        if self.until is None:
            return CircuitState(phase=Phase.CLOSED, since=self.since or None)
        phase = Phase.OPEN if now < self.until else Phase.HALF_OPEN
        return CircuitState(phase=phase, since=self.since, until=self.until)


_NEVER_OPENED = _Record("", 0.0, None)


def read_state(account: str, cache: str, clock: Clock = SYSTEM_CLOCK) -> CircuitState:
    """For operators: changes nothing, claims nothing. ``cache`` is the cache's alias."""
    try:
        return _read(SharedCache(cache), account).state(clock.time())
    except CacheDown:
        return CircuitState(phase=Phase.UNKNOWN)


class Circuit:
    """``failures`` within ``window`` seconds open it for ``open_for`` seconds."""

    def __init__(
        self, account: str, *, failures: int, window: float, open_for: float, cache: str, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._account = account
        self._failures = failures
        self._window = window
        self._open_for = open_for
        self._cache = SharedCache(cache)
        self._clock = clock

    @contextmanager
    def guard(self, longest: float) -> Iterator[None]:
        """Around one call that takes at most ``longest`` seconds. Raises ``CircuitOpen`` in its place."""
        with ExitStack() as alone:
            record, probing = self._admitted(longest, alone)
            try:
                yield
            except (TransportError, StatusError) as error:
                with suppress(CacheDown):
                    self._settle(record, probing, error)
                raise
            except BaseException:  # goes on; it tells nothing of the processor, so the next caller may probe
                with suppress(CacheDown):
                    self._withdraw(record, probing)
                raise
            with suppress(CacheDown):
                self._settle(record, probing, None)

    def _admitted(self, longest: float, alone: ExitStack) -> tuple[_Record, bool]:
        try:
            record = _read(self._cache, self._account)
            if record.until is None:
                return record, False
            its_turn = self._clock.time() >= record.until and alone.enter_context(self._one_of_the_host())
            if its_turn and self._cache.add(_key(self._account, "probe", record.id), 1, longest):
                return record, True
        except CacheDown:
            return _NEVER_OPENED, False
        raise CircuitOpen("the processor is known to be down")

    def _one_of_the_host(self) -> AbstractContextManager[bool]:
        if self._cache.is_of_one_process:
            return host_lock(f"probe.{self._account}")
        return nullcontext(True)

    def _settle(self, record: _Record, probing: bool, error: TransportError | StatusError | None) -> None:
        if isinstance(error, ProcessorBusy):
            self._withdraw(record, probing)
        elif error is None or (isinstance(error, StatusError) and error.status < 500):
            if probing:
                self._close(record)
        elif probing:
            self._leave(record, since=record.since, until=self._clock.time() + self._open_for)
        elif self._is_one_too_many(record):
            self._open(record, error)

    def _withdraw(self, record: _Record, probing: bool) -> None:
        if probing:
            self._cache.delete(_key(self._account, "probe", record.id))

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
        """A failure takes one of ``failures`` slots, each free again after the window. The last one opens.

        Slots, because ``cache.add`` is atomic where ``cache.incr`` is not: in the database and the file cache.
        """
        slots = [_key(self._account, f"failure.{number}", record.id) for number in range(self._failures)]
        taken = set(self._cache.get_many(slots))
        for slot in slots:
            if slot not in taken:
                taken.add(slot)
                if self._cache.add(slot, 1, self._window):
                    break
        return len(taken) == self._failures

    def _leave(self, record: _Record, *, since: float, until: float | None) -> _Record | None:
        """The record that takes the place of ``record``; ``None`` where somebody else has left it before."""
        if not self._cache.add(_key(self._account, "left", record.id), 1, CLAIM):
            return None
        if _read(self._cache, self._account).id != record.id:
            return None
        new = _Record(uuid.uuid4().hex, since, until)
        self._cache.set(_key(self._account, "state"), list(new), None)
        return new


def _key(account: str, *parts: str) -> str:
    return ".".join(("circuit", quote(account, safe=""), *parts))


def _read(cache: SharedCache, account: str) -> _Record:
    match cache.get(_key(account, "state")):
        case [str(id_), float(since), float() | None as until]:
            return _Record(id_, since, until)
        case _:  # nothing, or what another version of this package has written
            return _NEVER_OPENED
