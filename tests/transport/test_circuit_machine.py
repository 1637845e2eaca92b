"""Compares the breaker with a model of it while calls begin, end, and fail in any order."""

from __future__ import annotations

import uuid
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from django.core.cache import cache
from django.test import override_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from enrollment_errors.exceptions import CircuitOpen, ProcessorBusy, ProcessorError, StatusError, TimedOut
from enrollment_errors.secret import Secret
from enrollment_errors.transport.circuit import Circuit, Phase, read_state

from .circuits import heard
from .clocks import FakeClock, cache_on
from .fleet import BACKENDS

FAILURES, WINDOW, OPEN_FOR, LONGEST = 3, 30, 10, 8
NEVER_OPENED = 0
PARTIES = st.sampled_from([(), (), ("a",), ("b",), ("a", "b"), ("c",), ("d",)])


@dataclass
class Call:
    """A call in progress. ``period`` tells between which two changes of state it began."""

    admission: Any
    period: int
    parties: tuple[str, ...]
    probing: bool
    late: bool


class OnASharedCache(RuleBasedStateMachine):
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.account = uuid.uuid4().hex
        self.stack = ExitStack()
        self.stack.enter_context(override_settings(CACHES={"default": self.cache_settings()}))
        self.stack.enter_context(cache_on(self.clock))
        self.signals = self.stack.enter_context(heard(self.account))
        self.circuit = Circuit(
            self.account, failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=self.clock
        )
        # The model.
        self.period = self.last_period = NEVER_OPENED
        self.until: float | None = None
        self.failed_at: dict[int, list[float]] = defaultdict(list)
        self.probed_until: dict[tuple[int, bool], float] = {}
        self.party_failed_at: dict[str, float] = {}
        self.probers = 0
        self.told: list[str] = []

    def cache_settings(self) -> dict[str, str]:
        return {"BACKEND": BACKENDS["file"], "LOCATION": self.stack.enter_context(TemporaryDirectory())}

    def lets_probe(self) -> bool:
        return True

    def teardown(self) -> None:
        self.stack.close()

    @rule(seconds=st.sampled_from([0.5, 1, LONGEST - 0.5, LONGEST, OPEN_FOR, WINDOW]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def the_cache_forgets_everything(self) -> None:
        cache.clear()
        self.period, self.until = NEVER_OPENED, None
        self.failed_at.clear()
        self.probed_until.clear()
        self.party_failed_at.clear()

    @rule(target=calls, parties=PARTIES)
    def a_call_begins(self, parties: tuple[str, ...]) -> Any:
        return self._begin(parties) or multiple()

    @rule(parties=PARTIES)
    def the_processor_is_down_for_a_while(self, parties: tuple[str, ...]) -> None:
        for _ in range(FAILURES):
            call = self._begin(parties)
            if call is not None:
                self._fail(call, None)

    def _has_failed(self, party: str) -> bool:
        return self.clock.now < self.party_failed_at.get(party, -WINDOW) + WINDOW

    def _begin(self, parties: tuple[str, ...]) -> Call | None:
        admission = self.circuit.admit(LONGEST, parties)
        now = self.clock.now
        late = any(self._has_failed(party) for party in parties)
        admitted = self.until is None or (
            now >= self.until + OPEN_FOR * late
            and now >= self.probed_until.get((self.period, late), self.until)
            and self.lets_probe()
        )
        try:
            admission.__enter__()
        except CircuitOpen:
            assert not admitted
            return None
        assert admitted
        probing = self.until is not None
        if probing:
            self.probed_until[self.period, late] = now + (max(LONGEST, OPEN_FOR) if late else LONGEST)
            self.probers += 1
        return Call(admission, self.period, parties, probing, late)

    @rule(call=consumes(calls), status=st.sampled_from([None, 404]))
    def it_is_answered(self, call: Call, status: int | None) -> None:
        self._end(call, status and StatusError(status, Secret("")))
        if call.probing and call.period == self.period:
            self._begin_period(None)
            self.told.append("closed")

    @rule(call=consumes(calls), status=st.sampled_from([None, 503]))
    def it_fails(self, call: Call, status: int | None) -> None:
        self._fail(call, status)

    def _fail(self, call: Call, status: int | None) -> None:
        self._end(call, StatusError(status, Secret("")) if status else TimedOut())
        now = self.clock.now
        is_news = not any(self._has_failed(party) for party in call.parties)
        for party in call.parties:
            if not self._has_failed(party):
                self.party_failed_at[party] = now
        if call.probing:
            if call.period == self.period and not call.late:
                self._begin_period(now + OPEN_FOR)
            return
        if not is_news:
            return
        failed_at = self.failed_at[call.period]
        failed_at[:] = [*[at for at in failed_at if now < at + WINDOW][1 - FAILURES :], now]
        if call.period == self.period and len(failed_at) == FAILURES:
            self._begin_period(now + OPEN_FOR)
            self.told.append("opened")

    @rule(call=consumes(calls))
    def it_never_went_out(self, call: Call) -> None:
        self._end(call, ProcessorBusy())
        if call.probing:
            self.probed_until.pop((call.period, call.late), None)

    def _end(self, call: Call, error: ProcessorError | None) -> None:
        self.probers -= call.probing
        call.admission.__exit__(type(error) if error else None, error, None)

    def _begin_period(self, until: float | None) -> None:
        self.last_period += 1
        self.period, self.until = self.last_period, until

    @invariant()
    def the_state_is_as_the_model_has_it(self) -> None:
        state = read_state(self.account, "default", open_for=OPEN_FOR, clock=self.clock)
        if self.until is None:
            assert state.phase is Phase.CLOSED
        else:
            assert state.phase is (Phase.OPEN if self.clock.now < self.until else Phase.HALF_OPEN)
            assert state.until == self.until

    @invariant()
    def every_change_is_told_once(self) -> None:
        assert [name for name, _ in self.signals] == self.told


class InLocalMemory(OnASharedCache):
    """A caller that probes holds the host's lock until it is done."""

    def cache_settings(self) -> dict[str, str]:
        return {"BACKEND": BACKENDS["locmem"]}

    def lets_probe(self) -> bool:
        return not self.probers


TestOnASharedCache = OnASharedCache.TestCase
TestInLocalMemory = InLocalMemory.TestCase
TestOnASharedCache.settings = TestInLocalMemory.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
