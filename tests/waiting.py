"""Waiting for what is to become so, and not for a time in which it might."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds. Only a test that fails waits for so long; less would take a busy machine for a failure."""


def wait_until(condition: Callable[[], T], what: str = "what was waited for") -> T:
    """What ``condition`` gives, once it is true."""
    until = time.monotonic() + PATIENCE
    while not (so := condition()):
        assert time.monotonic() < until, f"{what} did not happen within {PATIENCE:g} s"
        time.sleep(0.01)
    return so
