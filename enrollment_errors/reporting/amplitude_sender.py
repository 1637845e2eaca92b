"""Sends events to Amplitude, whichever web server the site runs on.

The SDK checks and formats an event. Its own sender holds an exiting process for as long as the server hangs, has no
limit, and sends a parent's events from a forked child. So this module takes the events through the SDK's documented
``Config(storage_provider=…)`` and posts them to Amplitude's documented "HTTP V2 API".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

import requests
from amplitude import BaseEvent
from amplitude.storage import Storage, StorageProvider

from .background import Sender, Undelivered

DEFAULT_URL = "https://api2.amplitude.com/2/httpapi"
MOST_WAITING = 2_000
"""Events, each of about one kilobyte."""
MOST_AT_ONCE = 200
TRIES = 8
TIMEOUTS = (5.0, 10.0)
"""Seconds to connect, and seconds of silence."""
_TOO_MUCH_AT_ONCE = (400, 413)
"""Amplitude refuses the whole batch for one bad event, or if the batch is too large."""


@dataclass
class Waiting:
    body: dict[str, Any]
    tries: int = 0


class AmplitudeSender(Sender[dict[str, Any], list[Waiting]]):
    what: ClassVar[str] = "Amplitude's events"
    thread_name: ClassVar[str] = "enrollment-errors-amplitude"

    def __init__(self, api_key: str, url: str) -> None:
        super().__init__()
        self._api_key = api_key
        self._url = url
        self._events: deque[Waiting] = deque()

    def add(self, item: dict[str, Any]) -> bool:
        if len(self._events) >= MOST_WAITING:
            return False
        self._events.append(Waiting(item))
        return True

    def take(self) -> list[Waiting]:
        return [self._events.popleft() for _ in range(min(len(self._events), MOST_AT_ONCE))]

    def put_back(self, batch: list[Waiting]) -> int:
        for event in batch:
            event.tries += 1
        again = [event for event in batch if event.tries < TRIES]
        self._events.extendleft(reversed(again))
        return len(batch) - len(again)

    def waiting(self) -> int:
        return len(self._events)

    def deliver(self, batch: list[Waiting]) -> bool:
        """Split a batch that Amplitude refuses in halves, so one bad event costs no other."""
        parts, taken = [batch], False
        with requests.Session() as session:
            session.trust_env = False
            while parts:
                events = parts.pop()
                try:
                    status = self._post(session, events)
                except requests.RequestException as error:  # an unreadable answer is as good as none
                    raise _again(parts, events, type(error).__name__) from None
                if status == 200:
                    taken = True
                elif status == 429 or status >= 500:
                    raise _again(parts, events, f"status {status}")
                elif status in _TOO_MUCH_AT_ONCE and len(events) > 1:
                    middle = len(events) // 2
                    parts += [events[middle:], events[:middle]]
                else:
                    self.drop(len(events), f"refused with the status {status}")
        return taken

    def _post(self, session: requests.Session, events: list[Waiting]) -> int:
        """Amplitude's status, but 401, which it never sends, if it does not know the key."""
        answer = session.post(
            self._url,
            json={
                "api_key": self._api_key,
                "events": [event.body for event in events],
                "options": {"min_id_length": 1},
            },
            timeout=TIMEOUTS,
            allow_redirects=False,
        )
        if answer.status_code == 200:
            answer.json()  # a page with this status comes from a proxy in between
        is_the_key = answer.status_code == 400 and "invalid api key" in answer.text.lower()
        return 401 if is_the_key else answer.status_code


def _again(parts: list[list[Waiting]], events: list[Waiting], why: str) -> Undelivered:
    return Undelivered([*events, *(event for part in reversed(parts) for event in part)], why)


class HandingOver(Storage, StorageProvider):  # type: ignore[misc]
    """Takes the SDK's events, so the SDK has none to send itself."""

    def __init__(self, sender: AmplitudeSender) -> None:
        self._sender = sender

    def get_storage(self) -> HandingOver:
        return self

    def setup(self, configuration: Any, workers: Any) -> None:
        """Called by the SDK to start its workers. Starts none."""

    def push(self, event: BaseEvent) -> None:
        self._sender.put(event.get_event_body())

    def pull(self, batch_size: int) -> list[BaseEvent]:
        """Required by the SDK's base class; only its own workers would call it."""
        return []

    def pull_all(self) -> list[BaseEvent]:
        """Called by the SDK at exit."""
        return []
