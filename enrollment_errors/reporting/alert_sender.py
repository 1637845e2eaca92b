"""Sends alerts to channels that may be slow or down."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from .background import Sender, Undelivered
from .channels import Alert, Channel

MOST_WAITING = 100
TRIES = 8


def send(channel: Channel, alert: Alert) -> str:
    """Which channel failed and how; empty if it accepted the alert. Never raises."""
    try:
        channel.send(alert)
    except Exception as error:  # noqa: BLE001  a channel may raise anything
        # Only the type: the text may hold addresses.
        return f"{type(channel).__name__}: {type(error).__name__}"
    return ""


class AlertSender(Sender[Alert, list[tuple[Alert, int]]]):
    what: ClassVar[str] = "Alerts"
    thread_name: ClassVar[str] = "enrollment-errors-alerts"

    def __init__(self, channel: Channel, *, background: bool = True) -> None:
        super().__init__(background=background)
        self._channel = channel
        self._alerts: deque[tuple[Alert, int]] = deque()

    def add(self, item: Alert) -> bool:
        if len(self._alerts) >= MOST_WAITING:
            return False
        self._alerts.append((item, 0))
        return True

    def take(self) -> list[tuple[Alert, int]]:
        return [self._alerts.popleft()] if self._alerts else []

    def put_back(self, batch: list[tuple[Alert, int]]) -> int:
        again = [(alert, tries + 1) for alert, tries in batch if tries + 1 < TRIES]
        self._alerts.extendleft(again)
        return len(batch) - len(again)

    def waiting(self) -> int:
        return len(self._alerts)

    def deliver(self, batch: list[tuple[Alert, int]]) -> bool:
        for alert, _ in batch:
            if failure := send(self._channel, alert):
                raise Undelivered(batch, failure)
        return bool(batch)
