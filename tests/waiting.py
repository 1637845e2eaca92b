"""Waits until something is true, instead of sleeping and hoping that it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds. Only a test that fails waits this long; with less, a busy machine would look like a failure."""


def wait_until(condition: Callable[[], T], what: str = "what was waited for") -> T:
    """Returns what ``condition`` returns, as soon as that is true."""
    until = time.monotonic() + PATIENCE
    while not (so := condition()):
        assert time.monotonic() < until, f"{what} did not happen within {PATIENCE:g} s"
        time.sleep(0.01)
    return so
