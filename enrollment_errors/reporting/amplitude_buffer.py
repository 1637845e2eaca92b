"""How events for Amplitude leave the process: without holding it, for any server.

The SDK's own threads hold an exiting process for as long as the server hangs, its buffer has no bound, and a forked
child sends its parent's events. All of that is in how the SDK empties its buffer, so the buffer empties itself here.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from typing import Any

from amplitude.http_client import HttpStatus, Response
from amplitude.storage import InMemoryStorage, StorageProvider

logger = logging.getLogger("enrollment_errors")

THREAD = "enrollment-errors-amplitude"
BATCH_SECONDS = 0.2
BUFFER_EVENTS = 2_000
RETRIES = 4
EXIT_SECONDS = 2.0


class Buffer(InMemoryStorage):  # type: ignore[misc]
    """The SDK's buffer, bounded, and emptied by one daemon thread that lives while there is something to send."""

    def __init__(self, process_id: int) -> None:
        super().__init__()
        self._process_id = process_id
        self._full = False
        self._sending = False
        self._leaving = False

    def setup(self, configuration: Any, workers: Any) -> None:
        # The SDK's buffer starts its workers when something is pushed; it starts our thread instead.
        super().setup(configuration, workers=self)
        self._sdk = workers

    def push(self, event: Any, delay: int = 0) -> tuple[bool, str | None]:
        if self.total_events >= BUFFER_EVENTS:
            if not self._full:
                self._full = True
                logger.warning("Amplitude's buffer is full: events are dropped.")
            return False, "buffer full"
        self._full = False
        accepted: tuple[bool, str | None] = super().push(event, delay)
        return accepted

    def start(self) -> None:
        with self.lock:
            if self._sending:
                return
            thread = threading.Thread(target=self._send_all, name=THREAD, daemon=True)
            # In an empty context: Sentry must not take the thread for a part of the request that happens to start it.
            contextvars.Context().run(thread.start)
            self._sending = True

    def pull_all(self) -> list[Any]:
        """What the SDK calls at exit, to send it itself: nothing is left to it after a bounded wait for our thread.

        A forked child inherits the call for its parent's client, and has nothing to do with it.
        """
        if self._process_id == os.getpid():
            with self.lock:
                self._leaving = True
                self.lock.notify_all()
                if not self.lock.wait_for(lambda: not self._sending, timeout=EXIT_SECONDS):
                    logger.warning("Amplitude does not answer; its last events are lost with the process.")
        return []

    def _send_all(self) -> None:
        with self.lock:
            self.lock.wait_for(lambda: self._leaving, timeout=BATCH_SECONDS)
        while events := self._next():
            try:
                self._sdk.send(events)
            except Exception as error:  # noqa: BLE001  an answer that cannot be read is as good as none
                logger.warning("Amplitude's answer cannot be read (%s).", type(error).__qualname__)
                self._sdk.response_processor.process_response(Response(HttpStatus.TIMEOUT), events)

    def _next(self) -> list[Any]:
        """The next events to send; empty once there are none, and the thread ends."""
        with self.lock:
            while self.total_events:
                events: list[Any] = self.pull(self.configuration.flush_queue_size)
                if events:
                    return events
                self.lock.wait(max(self.wait_time, 0) / 1000)
            self._sending = False
            self.lock.notify_all()
            return []


class BufferProvider(StorageProvider):  # type: ignore[misc]
    def __init__(self, process_id: int) -> None:
        self._process_id = process_id

    def get_storage(self) -> Buffer:
        return Buffer(self._process_id)
