"""A processor inside the test process: no server, no port, no waiting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from email.message import Message
from types import TracebackType
from typing import Any

import requests
import responses

from ..exceptions import ConnectionFailed, DeadlineExceeded, TimedOut
from ..sandbox.faults import Fault, Faults
from ..sandbox.handler import Reply, Request
from ..sandbox.service import UNKNOWN, Service

Answer = tuple[int, dict[str, str], bytes]


class FakeProcessor:
    """``service``, answering every request to ``base_urls`` from memory, through ``responses``; other requests pass
    through.

    ``state`` and ``faults`` are the sandbox's, and ``calls`` counts by the sandbox's endpoint names. Nothing takes time
    here: ``hang``, ``delay`` and ``trickle`` end at once in the timeout or the deadline that they would cause.
    """

    def __init__(self, service: Service, base_urls: list[str]) -> None:
        self.service = service
        self.state: Any = service.state
        self.calls: Counter[str] = Counter()
        self.faults = Faults(service.endpoints, on_change=lambda: None)
        self._responses = responses.RequestsMock(assert_all_requests_are_fired=False)
        self._base_urls = base_urls

    def is_down(self) -> None:
        """From now on, every connection is refused."""
        self.faults.set("*", Fault(kind="down"))

    def fails_at(self, endpoint: str, **fault: Any) -> None:
        """``fails_at("link", status=503)``, or any kind of fault in the sandbox: ``fails_at("link", kind="hang")``."""
        self.faults.set(endpoint, Fault(**{"kind": "status", **fault}))

    def loses_the_answer_at(self, endpoint: str, *, times: int | None = None) -> None:
        """The work is done, but the connection ends before the answer."""
        self.faults.set(endpoint, Fault(kind="reset", after_effect=True, times=times))

    def recovers(self) -> None:
        self.faults.clear()

    def __enter__(self) -> FakeProcessor:
        self._responses.start()
        for base_url in self._base_urls:
            pattern = re.compile(re.escape(base_url.rstrip("/")) + "/.*")
            for method in ("GET", "POST", "PUT", "DELETE"):
                self._responses.add_callback(method, pattern, self._answer)
        self._responses.add_passthru(re.compile(".*"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._responses.stop(allow_assert=False)
        self._responses.reset()

    def _answer(self, prepared: requests.PreparedRequest) -> Answer:
        request = self._request(prepared)
        if self.faults.down:
            raise ConnectionFailed("the connection was refused")
        endpoint = self.service.endpoint_of(request) or UNKNOWN
        self.calls[endpoint] += 1
        fault = self.faults.draw(endpoint)
        handler = _Handler()
        if fault is None:
            handler.send(self.service.reply_to(request))
        else:
            fault.strike(handler, lambda: self.service.reply_to(request))  # type: ignore[arg-type]
        return handler.answer()

    def _request(self, prepared: requests.PreparedRequest) -> Request:
        headers = Message()
        for name, value in prepared.headers.items():
            headers[name] = value
        base_url = next(url for url in self._base_urls if (prepared.url or "").startswith(url.rstrip("/") + "/"))
        target = "/" + (prepared.url or "")[len(base_url.rstrip("/")) + 1 :]
        body = prepared.body.encode() if isinstance(prepared.body, str) else bytes(prepared.body or b"")
        return Request(
            line=f"{prepared.method} {target} HTTP/1.1",
            method=prepared.method or "",
            target=target,
            headers=headers,
            body=body,
            connection=0,
        )


class _Handler:
    """Translates what a sandbox fault does to a connection into what the client sees."""

    def __init__(self) -> None:
        self._end: Callable[[], Answer] = _silence

    def answer(self) -> Answer:
        return self._end()

    def send(self, reply: Reply) -> None:
        self._end = lambda: (reply.status, {"Content-Type": reply.content_type, **reply.headers}, reply.body)

    def wait(self, seconds: float | None) -> bool:
        """A delay passes at once. A hang never passes."""
        return seconds is not None

    def reset(self) -> None:
        self._end = _cut

    def cut(self, reply: Reply) -> None:
        self._end = _cut

    def trickle(self, reply: Reply, seconds: float) -> None:
        self._end = _trickled


def _silence() -> Answer:
    raise TimedOut("no answer within the read timeout", may_have_taken_effect=True)


def _cut() -> Answer:
    raise ConnectionFailed("the connection was cut", may_have_taken_effect=True)


def _trickled() -> Answer:
    raise DeadlineExceeded("the budget ended during the call", may_have_taken_effect=True)
