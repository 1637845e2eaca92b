"""A sandbox that records which link requests it works on at the same time, and whose work a test can hold back."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from enrollment_errors.sandbox.handler import Handler, Reply, Request
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.state import FundingSource

LONGEST_HOLD = 1.5
"""Seconds after which held work finishes by itself: the longest that a back end goes on after its answer was lost."""
GATEWAY = "https://gateway.example/registrations/"

Key = tuple[str, str]
"""A funding source and a concession group."""


@dataclass(eq=False)
class Work:
    """A request that the processor works on. Times are monotonic seconds.

    ``may_link`` is whether it can change anything: a card that is in the group already cannot be linked again.
    """

    key: Key
    do: Callable[[], Reply]
    may_link: bool = False
    began: float = field(default_factory=time.monotonic)
    done: bool = False
    made: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    reply: Reply = field(default_factory=lambda: Reply.of({"errors": [{"detail": "Unavailable"}]}, 503))


@dataclass(eq=False)
class Registration:
    """A rider's visit to the gateway. ``card_token`` belongs to the card that was entered there, if any."""

    return_url: str
    card_token: str = ""
    entered_by: object = None


class WatchedSandbox(SandboxServer):
    """``at_once`` has pairs of link requests for the same card and group: the second came while the first was under
    way and could still link the card.

    ``hold_next`` holds the next request to an endpoint: ``link``, or one that begins a tokenization. It holds the
    answer, too. If ``answers``, it holds only the work behind it, while a gateway answers 504 or as ``faults`` say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Work] = []
        self.held: list[Work] = []
        self.at_once: list[tuple[Work, Work]] = []
        self.registrations: dict[str, Registration] = {}
        self._next: dict[str, bool] = {}
        self._watching = threading.RLock()

    def add_token(self, source: str) -> str:
        """Returns a token for a card as the card form does: a new one each time."""
        token = f"card-token-{secrets.token_hex(8)}"
        with self.state.lock:
            self.state.cards[token] = self._card(source)
        return token

    def _card(self, source: str) -> FundingSource:
        return self.state.funding_sources[source]

    def groups_of(self, source: str) -> set[str]:
        with self.state.lock:
            return {group.id for group, _ in self.state.groups_of(source)}

    def hold_next(self, endpoint: str, *, answers: bool = False) -> None:
        with self._watching:
            self._next[endpoint] = answers

    def hold_nothing(self, endpoint: str) -> None:
        with self._watching:
            self._next.pop(endpoint, None)

    def under_way(self, key: Key) -> list[Work]:
        with self._watching:
            return [work for work in self.links if work.key == key and not work.done]

    def made(self, key: Key) -> Work | None:
        """The request that put the card into the group."""
        with self._watching:
            return next((work for work in self.links if work.key == key and work.made), None)

    def finish(self, work: Work, *, does_it: bool = True) -> None:
        with self._watching:
            if work.done:
                return
            if does_it:
                work.reply = work.do()
                work.made = work.reply.status < 300
            work.done = True
            if work in self.held:
                self.held.remove(work)
        work.over.set()

    def stop(self) -> None:
        for work in list(self.held):
            self.finish(work)
        super().stop()

    def reply_to(self, request: Request, handler: Handler) -> Reply:
        endpoint = self.endpoint_of(request)
        if request.segments[0] == "gateway":
            return self._watched("registration", ("", ""), lambda: self._gateway(request))
        if endpoint == "link":
            key = (request.json()["id"], request.segments[3])
            return self._watched("link", key, lambda: super(WatchedSandbox, self).reply_to(request, handler))
        if endpoint == "tokenization":
            return self._watched(
                "tokenization", ("", ""), lambda: super(WatchedSandbox, self).reply_to(request, handler)
            )
        return super().reply_to(request, handler)

    def _watched(self, endpoint: str, key: Key, do: Callable[[], Reply]) -> Reply:
        work = Work(key, do)
        with self._watching:
            if endpoint == "link":
                work.may_link = key[1] not in self.groups_of(key[0])
                self.at_once += [(other, work) for other in self.under_way(key) if other.may_link]
                self.links.append(work)
            answers = self._next.pop(endpoint, None)
            if answers is not None:
                self.held.append(work)
        if answers is None:
            self.finish(work)
        elif answers:
            threading.Thread(target=self._finish_late, args=[work], daemon=True).start()
            return Reply.of({"message": "Endpoint request timed out"}, 504)
        else:
            self._finish_late(work)
        return work.reply

    def _finish_late(self, work: Work) -> None:
        work.over.wait(LONGEST_HOLD)
        self.finish(work)

    def _gateway(self, request: Request) -> Reply:
        with self._watching:
            if request.method == "POST":
                name = secrets.token_hex(8)
                self.registrations[name] = Registration(request.json()["return_url"])
                return Reply.of({"id": name, "url": GATEWAY + name}, 201)
            registration = self.registrations[request.segments[2]]
        if not registration.card_token:
            return Reply.of({"errors": [{"detail": "not finished"}]}, 404)
        return Reply.of({"card_token": registration.card_token})

    def registration_at(self, url: str) -> Registration:
        return self.registrations[url.removeprefix(GATEWAY)]
