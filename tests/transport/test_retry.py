"""Retries: which failures are worth one, how long the pauses are, and that these never outlast the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from enrollment_errors.clock import Deadline
from enrollment_errors.exceptions import (
    CircuitOpen,
    ConnectionFailed,
    DeadlineExceeded,
    NameNotResolved,
    ProcessorBusy,
    ProcessorError,
    ReplyBroken,
    StatusError,
    TimedOut,
    TlsFailed,
)
from enrollment_errors.secret import Secret
from enrollment_errors.transport.retry import with_retries

from .clocks import FakeClock
from .conftest import Connect, Serve
from .upstream import Connection, answering


def status(code: int, retry_after: float | None = None) -> StatusError:
    return StatusError(code, Secret(""), retry_after)


@dataclass
class Call:
    """Fails with each of ``errors`` in turn, then succeeds. Each try takes ``seconds``."""

    errors: list[Exception]
    clock: FakeClock
    seconds: float = 0.0
    tries: int = 0

    def __call__(self) -> str:
        self.tries += 1
        self.clock.now += self.seconds
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def run(call: Call, attempts: int = 3, budget: float = 8) -> str:
    return with_retries(call, attempts=attempts, deadline=Deadline(budget, call.clock), clock=call.clock)


PASSING: list[Callable[[], ProcessorError]] = [
    *(lambda code=code: status(code) for code in (429, 500, 502, 503, 504)),
    ConnectionFailed,
    NameNotResolved,
    TimedOut,
    ReplyBroken,
]
LASTING: list[Callable[[], ProcessorError]] = [
    *(lambda code=code: status(code) for code in (302, 400, 401, 403, 404, 409, 501)),
    TlsFailed,
    DeadlineExceeded,
    CircuitOpen,
    ProcessorBusy,
    ProcessorError,
]


class TestWhatIsTriedAgain:
    @pytest.mark.parametrize("error", PASSING)
    def test_what_may_pass_is(self, clock: FakeClock, error) -> None:
        call = Call([error(), error()], clock)
        assert run(call) == "answer"
        assert call.tries == 3

    @pytest.mark.parametrize("error", PASSING)
    def test_three_tries_are_enough(self, clock: FakeClock, error) -> None:
        call = Call([error() for _ in range(5)], clock)
        with pytest.raises(ProcessorError):
            run(call)
        assert call.tries == 3

    @pytest.mark.parametrize("error", LASTING)
    def test_what_will_not_pass_is_not(self, clock: FakeClock, error) -> None:
        call = Call([error()], clock)
        with pytest.raises(ProcessorError):
            run(call)
        assert (call.tries, clock.sleeps) == (1, [])

    def test_a_bug_is_not(self, clock: FakeClock) -> None:
        call = Call([KeyError("bug")], clock)
        with pytest.raises(KeyError):
            run(call)
        assert call.tries == 1

    def test_the_last_error_is_told(self, clock: FakeClock) -> None:
        with pytest.raises(StatusError) as caught:
            run(Call([status(502), status(503), status(504)], clock))
        assert caught.value.status == 504
        assert caught.value.__context__ is None

    def test_the_failure_that_opened_the_circuit_is_told_and_not_the_circuit(self, clock: FakeClock) -> None:
        with pytest.raises(StatusError) as caught:
            run(Call([status(503), CircuitOpen()], clock))
        assert caught.value.status == 503
        assert caught.value.__cause__ is None


class TestPauses:
    @pytest.mark.parametrize(("chance", "sleeps"), [(0.0, [0, 0]), (0.5, [0.1, 0.2]), (1.0, [0.2, 0.4])])
    def test_are_a_random_part_of_a_doubling_bound(self, chance: float, sleeps: list[float]) -> None:
        clock = FakeClock(chance=chance)
        run(Call([status(503), status(503)], clock))
        assert clock.sleeps == sleeps

    def test_last_at_least_as_long_as_the_server_asks(self, clock: FakeClock) -> None:
        run(Call([status(503, retry_after=2)], clock))
        assert clock.sleeps == [2.1]

    @pytest.mark.parametrize("retry_after", [7.95, 8, 60, 10**9])
    def test_that_do_not_fit_the_budget_are_not_begun(self, clock: FakeClock, retry_after: float) -> None:
        call = Call([status(503, retry_after=retry_after)], clock)
        with pytest.raises(StatusError):
            run(call, budget=8)
        assert (call.tries, clock.sleeps) == (1, [])

    def test_leave_time_for_the_try_that_follows(self, clock: FakeClock) -> None:
        call = Call([TimedOut(), TimedOut()], clock, seconds=3)
        with pytest.raises(TimedOut):
            run(call, budget=6.35)
        assert call.tries == 2


class TestOnTheWire:
    def test_only_what_is_idempotent_is_tried_again(self, serve: Serve, connect: Connect) -> None:
        server = serve(answering(503))
        for idempotent in (False, True):
            with pytest.raises(StatusError):
                connect(server.url, clock=FakeClock()).request("POST", "x", idempotent=idempotent)
        assert len(server.requests) == 1 + 3

    def test_a_server_that_recovers_is_enough(self, serve: Serve, connect: Connect) -> None:
        replies = iter([503, 502, 200])

        def recover(connection: Connection) -> None:
            while connection.read_request():
                connection.reply(next(replies))

        http = connect(serve(recover).url, clock=FakeClock())
        assert http.request("GET", "x", idempotent=True).status == 200
