"""Makes a running server fail on demand, endpoint by endpoint."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .handler import JSON, Handler, Reply

EVERYWHERE = "*"
KINDS = ("status", "delay", "hang", "reset", "cut", "not_json", "empty", "missing_fields", "trickle", "down")

_JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "kind": str,
    "status": int,
    "body": str,
    "content_type": str,
    "headers": dict,
    "seconds": (int, float, type(None)),
    "fields": list,
    "times": (int, type(None)),
    "after_effect": bool,
    "probability": (int, float),
}

GATEWAY_PAGE = Reply(
    body=b"<!DOCTYPE html><html><head><title>Please wait</title></head>"
    b"<body><h1>Your request is being checked</h1><p>Support ID: 1873003</p></body></html>",
    content_type="text/html; charset=utf-8",
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to fail.

    ================== =====================================================================================
    ``status``         that ``status`` with ``body``, ``content_type`` and ``headers`` (``Retry-After``)
    ``delay``          ``seconds`` pass before the right answer
    ``hang``           no answer, until the client gives up or the server stops
    ``reset``          a TCP reset instead of an answer
    ``cut``            the connection ends in the middle of the body that was announced
    ``not_json``       a gateway's HTML page with status 200
    ``empty``          status 200 and no body
    ``missing_fields`` the right answer without ``fields``, wherever they appear in it; ``{}`` if none are named
    ``trickle``        the right answer, one byte every ``seconds`` (1 if not given), even for the headers
    ``down``           connections are refused (only for ``*``), for ``seconds`` or until the fault is lifted
    ================== =====================================================================================

    ``times`` limits it to that many calls. ``after_effect``: the work is done first (the link *is* made), and then the
    call fails; otherwise, the kinds that give no right answer change nothing. ``probability`` is each call's chance of
    failing. Raises ``ValueError`` if the values make no sense together.
    """

    kind: str
    status: int = 500
    body: str = ""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    fields: tuple[str, ...] = ()
    times: int | None = None
    after_effect: bool = False
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'"{self.kind}" is not a kind of fault; the kinds are {", ".join(KINDS)}')
        if not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")
        if self.kind == "delay" and self.seconds is None:
            raise ValueError("a delay needs seconds")
        if self.seconds is not None and self.seconds < 0:
            raise ValueError("seconds must not be negative")
        if not 0 <= self.probability <= 1:
            raise ValueError("probability must be from 0 to 1")
        if self.kind == "down" and (self.times is not None or self.after_effect or self.probability < 1):
            raise ValueError("nobody can call a server that is down, so it takes no times, after_effect or probability")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fault:
        """Raises ``ValueError`` for an unknown key, a missing ``kind`` or a wrong type."""
        if "kind" not in value:
            raise ValueError("kind is missing")
        for key, item in value.items():
            if key not in _JSON_TYPES:
                raise ValueError(f"a fault has no {key}; it has {', '.join(_JSON_TYPES)}")
            if not isinstance(item, _JSON_TYPES[key]) or (isinstance(item, bool) and key != "after_effect"):
                raise ValueError(f"{key} has the wrong type")
        return cls(**{**value, "fields": tuple(value.get("fields", ()))})

    def strike(self, handler: Handler, work: Callable[[], Reply]) -> None:
        """Answer with this fault. ``work`` handles the request and returns the right answer."""
        right = work() if self.after_effect or self.kind in ("missing_fields", "trickle") else None
        if self.kind == "status":
            handler.send(Reply(self.status, self.body.encode(), self.content_type, self.headers))
        elif self.kind == "delay":
            if handler.wait(self.seconds):
                handler.send(right or work())
        elif self.kind == "hang":
            handler.wait(None)
        elif self.kind == "reset":
            handler.reset()
        elif self.kind == "cut":
            handler.cut(Reply(body=b'{"id": "'))
        elif self.kind == "not_json":
            handler.send(GATEWAY_PAGE)
        elif self.kind == "empty":
            handler.send(Reply())
        elif self.kind == "missing_fields":
            handler.send(_without(right or Reply(), self.fields))
        else:  # trickle: a server that is down gets no call to strike
            handler.trickle(right or Reply(), 1.0 if self.seconds is None else self.seconds)


def _without(reply: Reply, names: Collection[str]) -> Reply:
    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in names}
        return [strip(item) for item in value] if isinstance(value, list) else value

    stripped = strip(json.loads(reply.body)) if names and reply.body else {}
    return Reply.of(stripped, reply.status)


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times


class Faults:
    """The faults of one server. Thread-safe.

    ``endpoints`` are the valid names besides ``*``, which means all of them; an endpoint's own faults take precedence
    over those of ``*``. ``on_change`` is called after every change.
    """

    def __init__(self, endpoints: Collection[str], on_change: Callable[[], None]) -> None:
        self._endpoints = tuple(endpoints)
        self._on_change = on_change
        self._armed: dict[str, list[_Armed]] = {}
        self._lock = threading.Lock()
        self._random = random.Random(0)  # noqa: S311 (chance, not secrecy)

    def set(self, endpoint: str, *faults: Fault) -> None:
        """Replace the endpoint's faults. The first with calls left that passes its ``probability`` strikes a call."""
        if endpoint != EVERYWHERE and endpoint not in self._endpoints:
            raise ValueError(
                f'there is no endpoint "{endpoint}"; the endpoints are {", ".join((EVERYWHERE, *self._endpoints))}'
            )
        if endpoint != EVERYWHERE and any(fault.kind == "down" for fault in faults):
            raise ValueError(f'a server is down for all of its endpoints or for none: use "{EVERYWHERE}"')
        with self._lock:
            self._armed[endpoint] = [_Armed(fault) for fault in faults]
        self._on_change()

    def clear(self, endpoint: str | None = None) -> None:
        with self._lock:
            for name in list(self._armed) if endpoint is None else [endpoint]:
                self._armed.pop(name, None)
        self._on_change()

    def seed(self, number: int) -> None:
        """Reseed the randomness behind ``probability``, so you can repeat a run."""
        with self._lock:
            self._random.seed(number)

    def draw(self, endpoint: str) -> Fault | None:
        """The fault for the call that has just arrived, if any."""
        with self._lock:
            for armed in self._candidates(endpoint):
                if armed.left == 0 or self._random.random() >= armed.fault.probability:
                    continue
                if armed.left is not None:
                    armed.left -= 1
                return armed.fault
        return None

    def _candidates(self, endpoint: str) -> Iterator[_Armed]:
        for name in (endpoint, EVERYWHERE):
            yield from (armed for armed in self._armed.get(name, ()) if armed.fault.kind != "down")

    @property
    def down(self) -> Fault | None:
        with self._lock:
            armed = self._armed.get(EVERYWHERE, [])
        return next((entry.fault for entry in armed if entry.fault.kind == "down"), None)

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """The faults by endpoint: each one's kind, and how many calls it has left (``null``: no limit)."""
        with self._lock:
            return {
                name: [{"kind": armed.fault.kind, "left": armed.left} for armed in faults]
                for name, faults in self._armed.items()
                if faults
            }
