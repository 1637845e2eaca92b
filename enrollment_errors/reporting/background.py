"""Delivers items from a rider's request to a server that may be slow or down. Neither request nor process waits for it.

A request only adds its item. A thread, which lives while there is something to deliver, does the rest. Each process
makes its own senders on first use (``processes.PerProcess``): a forked child must not deliver its parent's items, and
does not have the parent's threads.
"""

from __future__ import annotations

import atexit
import contextvars
import logging
import os
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar

logger = logging.getLogger("enrollment_errors")

BATCH_SECONDS = 0.3
"""How long items gather before they are delivered."""
LONGEST_PAUSE = 30.0
"""Maximum seconds between two tries while the server is down; the pause doubles from ``BATCH_SECONDS`` up to this."""
EXIT_SECONDS = 2.0
"""How long an exiting process waits to deliver the remaining items."""

Item = TypeVar("Item")
Batch = TypeVar("Batch")


class Undelivered(Exception):
    """Raised by ``Sender.deliver``: try ``batch``, the items still left, again. ``why`` is for the log."""

    def __init__(self, batch: Any, why: str) -> None:
        super().__init__(why)
        self.batch = batch
        self.why = why


class Sender(ABC, Generic[Item, Batch]):
    """Gathers items within bounds, and delivers them in batches. A subclass says how.

    ``background``: a thread delivers; otherwise, only ``flush`` does.
    """

    what: ClassVar[str]
    """The name of the items at the start of a log sentence: ``Incidents``."""
    thread_name: ClassVar[str]

    def __init__(self, *, background: bool = True) -> None:
        self._background = background
        self._process_id = os.getpid()
        self._changed = threading.Condition()
        self._delivering = 0
        self._dropped = 0
        self._thread_lives = False
        self._leaving = False
        self._is_down = False
        if background:
            atexit.register(self.leave)

    # The waiting items. Only one thread at a time calls any of these.

    @abstractmethod
    def add(self, item: Item) -> bool:
        """``False`` if there is no room, so the item is dropped."""

    @abstractmethod
    def take(self) -> Batch:
        """Remove and return the next batch to deliver."""

    @abstractmethod
    def put_back(self, batch: Batch) -> int:
        """Queue it again, ahead of newer items. Returns how many items are dropped because this was their last try."""

    @abstractmethod
    def waiting(self) -> int:
        """How many items wait."""

    # The delivery.

    @abstractmethod
    def deliver(self, batch: Batch) -> bool:
        """Returns whether the server accepted any of it. Call ``drop`` for items it refuses for good. Raises
        ``Undelivered``; after any other exception, the batch is dropped."""

    def rest(self) -> None:
        """Called by the thread after each try."""

    def put(self, item: Item) -> None:
        """Returns at once."""
        with self._changed:
            if not self.add(item):
                self.drop(1, "there is no room for more")
            elif self._background and not self._thread_lives:
                self._start_thread()

    def drop(self, number: int, why: str) -> None:
        """Log that ``number`` items are lost, unless a loss was already logged since the last delivery."""
        with self._changed:
            if number and not self._dropped:
                logger.error("%s are dropped: %s.", self.what, why)
            self._dropped += number

    def flush(self) -> None:
        """Deliver the next batch in this thread. Puts back items to try again, then raises what ``deliver`` raised."""
        with self._changed:
            before = self.waiting()
            batch = self.take()
            self._delivering = before - self.waiting()
        try:
            taken = self.deliver(batch)
        except Undelivered as failure:
            self._failed(failure)
            raise
        except Exception as error:
            # Only the type: the text may hold addresses and values.
            self.drop(self._delivering, type(error).__name__)
            raise
        else:
            if taken:
                self._succeeded()
        finally:
            self._delivering = 0

    def leave(self) -> None:
        """At exit: wait for the thread, within bounds, and log if it does not finish."""
        if self._process_id != os.getpid():
            return  # a forked child inherited this sender, and has its own
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._thread_lives, timeout=EXIT_SECONDS)
            if lost := self.waiting() + self._delivering:
                logger.warning("%s cannot be delivered in time; lost with the process: %d.", self.what, lost)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._deliver_until_done, name=self.thread_name, daemon=True)
        with suppress(RuntimeError):  # no thread can start now: the next item tries again
            # In an empty context: Sentry must not take the thread for part of the request that happens to start it.
            contextvars.Context().run(thread.start)
            self._thread_lives = True

    def _deliver_until_done(self) -> None:
        pause = BATCH_SECONDS
        while self._has_work(after=pause):
            try:
                self.flush()
            except Exception:  # noqa: BLE001  logged; if the thread ended here, later items would wait forever
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                pause = BATCH_SECONDS
            finally:
                self.rest()

    def _has_work(self, *, after: float) -> bool:
        """Waits ``after`` seconds to gather more items. If there are none, the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._leaving, timeout=after)
            hopeless = self._leaving and self._is_down
            if self.waiting() and not hopeless:
                return True
            self._thread_lives = False
            self._changed.notify_all()
            return False

    def _failed(self, failure: Undelivered) -> None:
        with self._changed:
            given_up = self.put_back(failure.batch)
            if not self._is_down:
                self._is_down = True
                logger.warning("%s cannot be delivered (%s): they wait.", self.what, failure.why)
            self.drop(given_up, failure.why)

    def _succeeded(self) -> None:
        with self._changed:
            if self._is_down or self._dropped:
                logger.warning("%s are delivered again; dropped meanwhile: %d.", self.what, self._dropped)
            self._is_down, self._dropped = False, 0
