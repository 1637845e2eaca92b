"""What riders' requests know from the database, which may hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils.timezone import now

from enrollment_errors.availability import availability
from enrollment_errors.watch.known import THREAD_NAME
from enrollment_errors.watch.models import Switch
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERS = threading.Event()
"""Set while the database answers."""


class SlowRouter:
    """Stands in for a database that hangs."""

    def db_for_read(self, model: type, **hints: Any) -> None:
        if threading.current_thread().name == THREAD_NAME:
            ANSWERS.wait(60)


@pytest.fixture(autouse=True)
def database(settings: Any, site: Any) -> Iterator[None]:
    settings.DATABASE_ROUTERS = ["tests.watch.test_known.SlowRouter"]
    ANSWERS.set()
    yield
    ANSWERS.set()
    wait_until(lambda: THREAD_NAME not in [thread.name for thread in threading.enumerate()], "the end of the reading")


def switch_off() -> None:
    Switch.objects.create(account="littlepay", position="off", begins=now())


def is_on(_: int = 0) -> bool:
    try:
        return availability("littlepay").is_available
    finally:
        connections.close_all()


def test_a_switch_is_known_to_all_who_ask_at_the_same_time() -> None:
    switch_off()
    with ThreadPoolExecutor(4) as riders:
        assert list(riders.map(is_on, range(4))) == [False] * 4


def test_a_database_that_hangs_keeps_nobody_waiting_and_what_was_known_goes_on() -> None:
    switch_off()
    assert not is_on()
    kept = cache.get("enrollment_errors.watch.known")
    cache.set("enrollment_errors.watch.known", {**kept, "read_at": time.time() - 60})
    ANSWERS.clear()

    assert [is_on(), is_on()] == [False, False]
    assert THREAD_NAME in [thread.name for thread in threading.enumerate()]


def test_a_database_that_answers_late_is_heard_in_the_end() -> None:
    switch_off()
    ANSWERS.clear()
    assert is_on()

    ANSWERS.set()

    wait_until(lambda: not is_on(), "the switch that is known")
