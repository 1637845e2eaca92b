"""Limits how many riders of one process call one processor account, or wait for it, at the same time.

A processor that hangs can hold only that many of the process's threads; the others go on serving other pages.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..exceptions import ProcessorBusy
from ..processes import PerProcess

_places: PerProcess[threading.BoundedSemaphore] = PerProcess()
_held: ContextVar[frozenset[str]] = ContextVar("accounts_whose_place_is_held", default=frozenset())


@contextmanager
def place(account: str, *, places: int, wait: float) -> Iterator[None]:
    """Hold one of the account's ``places``. A caller that already holds one keeps using it.

    Raises ``ProcessorBusy`` if none becomes free within ``wait`` seconds.
    """
    if account in _held.get():
        yield
        return
    semaphore = _places.get((account, places), lambda: threading.BoundedSemaphore(places))
    if not semaphore.acquire(timeout=max(0.0, wait)):
        raise ProcessorBusy(f"this process already makes calls for {places} riders, which is the maximum")
    before = _held.set(_held.get() | {account})
    try:
        yield
    finally:
        _held.reset(before)
        semaphore.release()
