"""From a rider's request to a server that may be slow or down, without the request or the process waiting for it.

A request only leaves its item. A thread of the process, which lives while there is something to deliver, does the rest.
Each process has senders of its own, made when they are first asked for (``processes.PerProcess``): a child that was
forked must not deliver what its parent gathered, and has none of its threads.
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
"""For which items gather before they are delivered."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries while the server is down, doubled from ``BATCH_SECONDS`` to this."""
EXIT_SECONDS = 2.0
"""For which the end of a process waits for what is left."""

Item = TypeVar("Item")
Batch = TypeVar("Batch")


class Undelivered(Exception):
    """Raised by ``Sender.deliver``: ``batch``, or what is left of it, is to be tried again. ``why`` is for the log."""

    def __init__(self, batch: Any, why: str) -> None:
        super().__init__(why)
        self.batch = batch
        self.why = why


class Sender(ABC, Generic[Item, Batch]):
    """Gathers items within bounds, and delivers them in batches. A subclass says how.

    ``background``: a thread delivers; else only the caller of ``flush``.
    """

    what: ClassVar[str]
    """The items, as a sentence of the log begins with them: ``Incidents``."""
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

    # What waits. Each of these is called by one thread at a time.

    @abstractmethod
    def add(self, item: Item) -> bool:
        """``False`` where there is no room for it: it is dropped."""

    @abstractmethod
    def take(self) -> Batch:
        """What to deliver next: no longer waits."""

    @abstractmethod
    def put_back(self, batch: Batch) -> int:
        """It waits again, before what came meanwhile. Returns of how many this was the last try: they are dropped."""

    @abstractmethod
    def waiting(self) -> int:
        """How many items wait."""

    # Where it goes.

    @abstractmethod
    def deliver(self, batch: Batch) -> bool:
        """Whether any of it was taken; ``drop`` what the server refuses for good. Raises ``Undelivered``; after any
        other exception the batch is dropped."""

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
        """Say that so many are lost, unless that has been said since something was delivered."""
        with self._changed:
            if number and not self._dropped:
                logger.error("%s are dropped: %s.", self.what, why)
            self._dropped += number

    def flush(self) -> None:
        """Deliver the next batch, in this thread. Raises what ``deliver`` raises, once what is to be tried again waits
        again."""
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
            # The type alone: the text may hold addresses and values.
            self.drop(self._delivering, type(error).__name__)
            raise
        else:
            if taken:
                self._succeeded()
        finally:
            self._delivering = 0

    def leave(self) -> None:
        """At exit: wait for the thread, within bounds, and say so where it does not make it."""
        if self._process_id != os.getpid():
            return  # a child that inherited this sender by a fork, and has its own
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._thread_lives, timeout=EXIT_SECONDS)
            if lost := self.waiting() + self._delivering:
                logger.warning("%s cannot be delivered in time; lost with the process: %d.", self.what, lost)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._deliver_until_done, name=self.thread_name, daemon=True)
        with suppress(RuntimeError):  # no thread is to be had: the next item asks again
            # In an empty context: Sentry must not take the thread for a part of the request that happens to start it.
            contextvars.Context().run(thread.start)
            self._thread_lives = True

    def _deliver_until_done(self) -> None:
        pause = BATCH_SECONDS
        while self._has_work(after=pause):
            try:
                self.flush()
            except Exception:  # noqa: BLE001  logged; a thread that ends here would leave what comes after it
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                pause = BATCH_SECONDS
            finally:
                self.rest()

    def _has_work(self, *, after: float) -> bool:
        """Waits ``after`` seconds for more to deliver at once. Where there is nothing, the thread ends."""
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
