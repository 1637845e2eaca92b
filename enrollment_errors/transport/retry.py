"""Tries again: a small loop inside the deadline.

The caller says whether a call may be repeated; this module decides whether it is worth it. If the pause does not fit in
the rider's remaining time, the failure is raised at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..clock import Clock, Deadline
from ..exceptions import CircuitOpen, ConnectionFailed, ProcessorError, ReplyBroken, StatusError, TimedOut, TlsFailed

T = TypeVar("T")

PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
FIRST_PAUSE = 0.2
"""Seconds; the upper bound of the first pause, doubled for each further one. The pause is a random part of it."""
LEAST_TIME = 0.1
"""Seconds that must be left after the pause for another try to have a chance."""


def with_retries(call: Callable[[], T], *, attempts: int, deadline: Deadline, clock: Clock) -> T:
    """The result of ``call``, which is made at most ``attempts`` times. Raises the failure of the last call made: if it
    opened the circuit, you get that failure, not ``CircuitOpen``."""
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
