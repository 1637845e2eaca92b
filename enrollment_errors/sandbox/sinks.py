"""Receives telemetry in place of Sentry and Amplitude, and keeps it raw and decoded.

::

    with TelemetrySink() as sink:
        ...  # DSN sink.dsn, Amplitude's server URL sink.amplitude_url
        sink.wait_for(sentry=1, amplitude=1)

``GET /events`` is ``{"sentry": [...], "amplitude": [...]}``, oldest first; ``DELETE /events`` forgets them. In
``calls`` and ``faults`` the endpoints are ``sentry`` and ``amplitude``.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .handler import Handler, Reply, Request
from .loopback import LoopbackServer

AMPLITUDE_PATH = "/2/httpapi"
SHORTEST_ID = 5
"""Amplitude refuses shorter user and device ids, unless the batch's ``min_id_length`` says otherwise."""


@dataclass(frozen=True, kw_only=True)
class EnvelopeItem:
    """One item of a Sentry envelope. ``payload`` is decoded if it is JSON; otherwise, it is bytes."""

    type: str
    headers: dict[str, Any]
    payload: Any = field(repr=False)


def read_envelope(body: bytes) -> Iterator[EnvelopeItem]:
    """The items of a Sentry envelope. Raises ``ValueError`` if it is not one.

    The envelope has one line of JSON. Each item has a line of JSON, and a payload that ends after ``length`` bytes or,
    without a ``length``, at the end of its line (Sentry's developer documentation, "Envelopes").
    """
    head, _, rest = body.partition(b"\n")
    json.loads(head)
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        headers = _object(json.loads(line))
        length = headers.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        if length > len(rest):
            raise ValueError("the envelope ends in the middle of an item")
        payload, rest = rest[:length], rest[length:].removeprefix(b"\n")
        try:
            yield EnvelopeItem(type=headers["type"], headers=headers, payload=json.loads(payload))
        except ValueError:
            yield EnvelopeItem(type=headers["type"], headers=headers, payload=payload)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


class TelemetrySink(LoopbackServer):
    """One server for both. It keeps everything it receives: an event that is sent twice is there twice.

    ``raw`` has every body, decompressed, for scans. ``sentry_items`` also has transactions, sessions and the like.
    """

    endpoints = ("sentry", "amplitude")

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, allow_remote: bool = False) -> None:
        super().__init__(host, port, allow_remote=allow_remote)
        self._arrived = threading.Condition()
        self.clear()

    @property
    def dsn(self) -> str:
        return f"http://public@{self._netloc(self.port)}/1"

    @property
    def amplitude_url(self) -> str:
        return self.url + AMPLITUDE_PATH

    @property
    def sentry_events(self) -> list[dict[str, Any]]:
        """Only the events that Sentry makes issues of."""
        return [item.payload for item in self.sentry_items if item.type == "event"]

    def clear(self) -> None:
        with self._arrived:
            self.raw: list[bytes] = []
            self.sentry_items: list[EnvelopeItem] = []
            self.amplitude_events: list[dict[str, Any]] = []

    def wait_for(self, *, sentry: int = 0, amplitude: int = 0, timeout: float = 5) -> None:
        """Wait for at least that many events. Raises ``TimeoutError`` after ``timeout`` seconds."""

        def enough() -> bool:
            return len(self.sentry_events) >= sentry and len(self.amplitude_events) >= amplitude

        with self._arrived:
            if not self._arrived.wait_for(enough, timeout):
                raise TimeoutError(
                    f"{len(self.sentry_events)} of {sentry} Sentry and {len(self.amplitude_events)} of {amplitude} "
                    f"Amplitude events came in {timeout:g} s"
                )

    def endpoint_of(self, request: Request) -> str | None:
        if request.method == "POST" and request.target == AMPLITUDE_PATH:
            return "amplitude"
        is_envelope = request.segments[0] == "api" and request.segments[2:] == ("envelope", "")
        return "sentry" if request.method == "POST" and is_envelope else None

    def reply_to(self, request: Request, handler: Handler) -> Reply:
        endpoint = self.endpoint_of(request)
        if endpoint is None:
            return self._events(request)
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding not in ("identity", "gzip"):
            return Reply.of({"error": f"cannot read {encoding}"}, 415)
        try:
            body = gzip.decompress(request.body) if encoding == "gzip" else request.body
            with self._arrived:
                self.raw.append(body)
                self._arrived.notify_all()
                return self._envelope(body) if endpoint == "sentry" else self._batch(body)
        except (OSError, ValueError, LookupError, TypeError) as malformed:
            return Reply.of({"code": 400, "error": str(malformed)}, 400)

    def _envelope(self, body: bytes) -> Reply:
        self.sentry_items += read_envelope(body)
        return Reply.of({})

    def _batch(self, body: bytes) -> Reply:
        batch = _object(json.loads(body))
        events = [_object(event) for event in batch["events"]]
        if not batch.get("api_key"):
            return Reply.of({"code": 400, "error": "Invalid API key", "missing_field": "api_key"}, 400)
        shortest = (batch.get("options") or {}).get("min_id_length") or SHORTEST_ID
        refused = {
            name: [at for at, event in enumerate(events) if 0 < len(event.get(name) or "") < shortest]
            for name in ("user_id", "device_id")
        }
        if any(refused.values()):
            return Reply.of({"code": 400, "error": "Invalid id length", "events_with_invalid_id_lengths": refused}, 400)
        self.amplitude_events += events
        return Reply.of({"code": 200, "events_ingested": len(events), "payload_size_bytes": len(body)})

    def _events(self, request: Request) -> Reply:
        if request.segments != ("events",) or request.method not in ("GET", "DELETE"):
            return Reply.of({"error": "not found"}, 404)
        if request.method == "DELETE":
            self.clear()
            return Reply(204)
        with self._arrived:
            return Reply.of({"sentry": self.sentry_events, "amplitude": self.amplitude_events})
