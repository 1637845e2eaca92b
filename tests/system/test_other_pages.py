"""Those who want another page notice nothing of a processor that hangs."""

from __future__ import annotations

import time

import pytest

from bench.riders import ask_for_token, enroll
from bench.tables import percentile
from bench.visitors import riders, visit_other_pages
from enrollment_errors.sandbox.faults import Fault

RIDERS = 8
SECONDS = 4
LIMITS = {"BUDGET": 2, "READ_TIMEOUT": 0.5, "CONNECT_TIMEOUT": 0.5, "BREAKER_OPEN": 1}


@pytest.mark.redis
def test_two_sync_workers_answer_other_pages_once_the_breaker_is_open(sandbox, serve, redis_cache):
    site = serve(sandbox.url, workers=2, cache=redis_cache, limits=LIMITS)
    assert ask_for_token(site.port, "ours").is_success
    idle = visit_other_pages(site.port, SECONDS)
    sandbox.faults.set("*", Fault(kind="hang"))
    with riders(RIDERS, lambda: enroll(site.port, "ours", "card"), pause=0.5):
        until = time.monotonic() + 10
        while not site.circuits_opened and time.monotonic() < until:
            time.sleep(0.05)
        assert site.circuits_opened, "the breaker did not open"
        hanging = visit_other_pages(site.port, SECONDS)
    assert_others_notice_nothing(idle, hanging)


def test_threads_answer_other_pages_before_the_breaker_is_open(sandbox, serve):
    site = serve(sandbox.url, workers=2, threads=8, limits={**LIMITS, "BREAKER_FAILURES": 1000})
    assert ask_for_token(site.port, "ours").is_success
    idle = visit_other_pages(site.port, SECONDS)
    sandbox.faults.set("*", Fault(kind="hang"))
    with riders(RIDERS, lambda: enroll(site.port, "ours", "card"), pause=0.5):
        hanging = visit_other_pages(site.port, SECONDS)
    assert_others_notice_nothing(idle, hanging)


def assert_others_notice_nothing(idle, hanging) -> None:
    """The bounds are those of a machine that does nothing else: what this one takes while idle is added to them."""
    answered = sum(visit.answer.is_success for visit in hanging) / len(hanging)
    p99, idle_p99 = (percentile([visit.answer.seconds for visit in visits], 0.99) for visits in (hanging, idle))
    assert answered >= 0.995
    assert p99 < 0.1 + idle_p99, f"p99 is {p99:.3f} s while the processor hangs, and {idle_p99:.3f} s while idle"
