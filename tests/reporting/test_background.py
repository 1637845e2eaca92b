"""The background sender: its thread, its limits, and its exit. ``test_amplitude``, ``test_amplitude_process``, and
``tests/incidents`` test it with Amplitude and with the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
import sentry_sdk

from enrollment_errors.reporting import background
from enrollment_errors.reporting.background import Sender, Undelivered
from enrollment_errors.sandbox.sinks import TelemetrySink
from tests.waiting import wait_until


class Letters(Sender[str, list[str]]):
    """Goes to a server that ``answers`` as the test says."""

    what: ClassVar[str] = "Letters"
    thread_name: ClassVar[str] = "tests-letters"

    def __init__(self, answers: Callable[[list[str]], bool] = bool) -> None:
        super().__init__()
        self.box: list[str] = []
        self.delivered: list[str] = []
        self._answers = answers

    def add(self, item: str) -> bool:
        self.box.append(item)
        return True

    def take(self) -> list[str]:
        batch, self.box = self.box, []
        return batch

    def put_back(self, batch: list[str]) -> int:
        self.box = batch + self.box
        return 0

    def waiting(self) -> int:
        return len(self.box)

    def deliver(self, batch: list[str]) -> bool:
        taken = self._answers(batch)
        self.delivered += batch if taken else []
        return taken


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == Letters.thread_name]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    monkeypatch.setattr(background, "BATCH_SECONDS", 0.01)
    caplog.set_level(logging.WARNING)
    yield
    wait_until(lambda: not threads())


def test_what_its_thread_does_is_no_part_of_the_request_that_started_it(sentry: TelemetrySink) -> None:
    def answers(batch: list[str]) -> bool:
        sentry_sdk.capture_message("on its way")
        return True

    sentry_sdk.get_isolation_scope().set_tag("request", "of the first rider")

    Letters(answers).put("a")

    sentry.wait_for(sentry=1)
    assert sentry.sentry_events[0]["message"] == "on its way"
    assert "tags" not in sentry.sentry_events[0]


def test_where_no_thread_is_to_be_had_an_item_waits_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    letters = Letters()
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refuse)
        letters.put("a")

    letters.put("b")

    wait_until(lambda: letters.delivered == ["a", "b"])


def test_an_error_that_nobody_thought_of_costs_its_batch_and_is_logged_by_its_type(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = iter([LookupError("a secret"), True])

    def answer(batch: list[str]) -> bool:
        if isinstance(now := next(answers), Exception):
            raise now
        return now

    letters = Letters(answer)
    letters.put("a")
    wait_until(lambda: not threads())
    letters.put("b")
    wait_until(lambda: not threads())

    assert letters.delivered == ["b"]
    assert caplog.messages == [
        "Letters are dropped: LookupError.",
        "Letters are delivered again; dropped meanwhile: 1.",
    ]


class TestLeaving:
    def test_says_what_was_under_way_and_what_waited(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(background, "EXIT_SECONDS", 0.1)
        asked, answered = threading.Event(), threading.Event()

        def hang(batch: list[str]) -> bool:
            asked.set()
            return answered.wait(60)

        letters = Letters(hang)
        letters.put("a")
        assert asked.wait(60)
        letters.put("b")

        letters.leave()

        assert caplog.messages == ["Letters cannot be delivered in time; lost with the process: 2."]
        answered.set()

    def test_tries_nothing_twice(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(background, "BATCH_SECONDS", 3600)
        tries = []

        def fail(batch: list[str]) -> bool:
            tries.append(batch)
            raise Undelivered(batch, "a reason")

        letters = Letters(fail)
        letters.put("a")

        letters.leave()

        assert tries == [["a"]]
        assert caplog.messages == [
            "Letters cannot be delivered (a reason): they wait.",
            "Letters cannot be delivered in time; lost with the process: 1.",
        ]
        letters.box.clear()  # or it would be sent when the tests' own process ends
