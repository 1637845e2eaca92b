"""How often one session may ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from enrollment_errors.rate import seconds_until_allowed
from tests.transport.brittle_cache import BrittleCache
from tests.transport.clocks import FakeClock, cache_on

REQUESTS, WINDOW = 5, 60


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    clock = FakeClock()
    with cache_on(clock):
        yield clock


@pytest.fixture(autouse=True)
def few(site: Any) -> None:
    site(RIDER_REQUESTS=REQUESTS, RIDER_WINDOW=WINDOW)


def ask(clock: FakeClock, times: int, kind: str = "token", session: str = "session") -> list[int]:
    return [seconds_until_allowed(kind, session, clock) for _ in range(times)]


def test_a_rider_who_tries_a_few_times_is_not_kept_waiting(clock: FakeClock) -> None:
    assert ask(clock, REQUESTS) == [0] * REQUESTS


def test_beyond_that_a_session_is_told_when_it_may_again(clock: FakeClock) -> None:
    ask(clock, REQUESTS)
    assert ask(clock, 1) == [WINDOW]
    clock.now += 45.5
    assert ask(clock, 1) == [15]
    clock.now += 14.5
    assert ask(clock, REQUESTS + 1) == [*[0] * REQUESTS, WINDOW]


def test_the_first_request_is_the_first_to_be_forgotten(clock: FakeClock) -> None:
    for _ in range(REQUESTS):
        assert ask(clock, 1) == [0]
        clock.now += 10
    assert ask(clock, 1) == [10]
    clock.now += 10
    assert ask(clock, 2) == [0, 10]


def test_asking_too_early_makes_nobody_wait_longer(clock: FakeClock) -> None:
    ask(clock, REQUESTS)
    for _ in range(WINDOW):
        assert ask(clock, 3) != [0, 0, 0]
        clock.now += 1
    assert ask(clock, 1) == [0]


def test_whoever_must_wait_waits_a_second_at_least(clock: FakeClock) -> None:
    ask(clock, REQUESTS)
    clock.now += WINDOW - 0.01
    assert ask(clock, 1) == [1]


@pytest.mark.parametrize("other", [{"kind": "enroll"}, {"session": "another session"}])
def test_another_kind_and_another_session_have_bounds_of_their_own(clock: FakeClock, other: dict[str, str]) -> None:
    ask(clock, REQUESTS + 1)
    assert ask(clock, 1, **other) == [0]


def test_the_first_of_a_session_costs_the_cache_one_operation(
    clock: FakeClock,
    operations: list[str],
) -> None:
    assert ask(clock, 1) == [0]
    assert operations == ["add"]


def test_requests_that_come_at_once_are_counted_one_by_one() -> None:
    allowed: list[int] = []
    threads = [
        threading.Thread(target=lambda: allowed.append(seconds_until_allowed("token", "session"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(allowed), allowed.count(0)) == (20, REQUESTS)


def test_a_host_whose_clock_is_ahead_makes_nobody_wait_for_longer_than_the_window(clock: FakeClock) -> None:
    clock.now += 3
    ask(clock, REQUESTS)
    clock.now -= 3
    assert ask(clock, 1) == [WINDOW]


class TestTheFirstTenthOfWhatASessionMayAsk:
    MANY = 30

    @pytest.fixture(autouse=True)
    def many(self, site: Any, few: None) -> None:
        site(RIDER_REQUESTS=self.MANY, RIDER_WINDOW=WINDOW)

    def test_costs_the_cache_nothing(self, clock: FakeClock, operations: list[str]) -> None:
        assert ask(clock, 4) == [0] * 4
        assert operations == ["add"]

    def test_is_what_one_process_allows_beyond_the_bound_of_all(self, clock: FakeClock) -> None:
        assert ask(clock, 40).count(0) == self.MANY + 3
        clock.now += WINDOW / 2
        assert ask(clock, 40).count(0) == 0

    def test_is_counted_anew_after_a_window(self, clock: FakeClock, operations: list[str]) -> None:
        ask(clock, 4)
        clock.now += WINDOW
        del operations[:]
        assert ask(clock, 3) == [0] * 3
        assert operations == []

    def test_is_each_sessions_own(self, clock: FakeClock, operations: list[str]) -> None:
        for session in ("one", "another"):
            assert ask(clock, 3, session=session) == [0] * 3
        assert operations == []


def test_the_cache_does_not_tell_whose_they_are(clock: FakeClock) -> None:
    ask(clock, 1, session="whose-session")
    assert "whose" not in str(cache._cache)


def test_while_the_cache_is_down_everybody_may(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrittleCache, "is_down", True)
    with override_settings(
        CACHES={"default": {}, "rate": {"BACKEND": "tests.transport.brittle_cache.BrittleCache", "LOCATION": "rate"}}
    ):
        site(CACHE="rate")
        assert [seconds_until_allowed("token", "session") for _ in range(3 * REQUESTS)] == [0] * 3 * REQUESTS
