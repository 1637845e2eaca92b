"""Trying again: a small loop inside the deadline.

Who calls says what may be repeated; here it is decided what is worth it. A pause that does not fit what is left of the
rider's time is not begun: the failure is told at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..clock import Clock, Deadline
from ..exceptions import CircuitOpen, ConnectionFailed, ProcessorError, ReplyBroken, StatusError, TimedOut, TlsFailed

T = TypeVar("T")

PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
FIRST_PAUSE = 0.2
"""Seconds; the upper bound of the first pause, doubled for each further one. What is slept is a random part of it."""
LEAST_TIME = 0.1
"""Seconds that have to be left after the pause, for a further try to have a chance."""


def with_retries(call: Callable[[], T], *, attempts: int, deadline: Deadline, clock: Clock) -> T:
    """The result of ``call``, which is made at most ``attempts`` times. Raises what the last one raised that was made:
    a failure that opens the circuit is told as what it was, not as the circuit that it opened."""
    failure: ProcessorError | None = None
    made = 0
    while True:
        made += 1
        try:
            return call()
        except CircuitOpen:
            if failure is not None:
                raise failure from None
            raise
        except ProcessorError as error:
            failure = error
            if made == attempts or not _may_pass(error):
                raise
            pause = clock.random() * FIRST_PAUSE * 2 ** (made - 1)
            if isinstance(error, StatusError) and error.retry_after is not None:
                pause += error.retry_after
            if pause + LEAST_TIME > deadline.remaining():
                raise
        clock.sleep(pause)


def _may_pass(error: ProcessorError) -> bool:
    if isinstance(error, StatusError):
        return error.status in PASSING_STATUSES
    return isinstance(error, (ConnectionFailed, TimedOut, ReplyBroken)) and not isinstance(error, TlsFailed)
