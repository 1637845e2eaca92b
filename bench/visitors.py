"""Visitors during a measurement: a steady stream of people who want another page, and riders who want to enroll."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from .riders import Answer, get

INTERVAL = 0.04
"""Seconds between two visitors to another page, even if the first one still waits."""
PATIENCE = 10.0
"""Seconds before such a visitor leaves without an answer."""


@dataclass(frozen=True)
class Visit:
    """``at`` is when it began, in epoch seconds."""

    at: float
    answer: Answer


def visit_other_pages(port: int, seconds: float) -> list[Visit]:
    """Returns once the last visitor has an answer or has left."""

    def visit(at: float) -> Visit:
        time.sleep(max(0.0, at - time.time()))
        return Visit(at, get(port, "/other/", patience=PATIENCE))

    start = time.time()
    moments = [start + number * INTERVAL for number in range(round(seconds / INTERVAL))]
    with ThreadPoolExecutor(max_workers=round(PATIENCE / INTERVAL) + 50) as pool:
        return list(pool.map(visit, moments))


@contextmanager
def riders(number: int, ask: Callable[[], Answer], *, pause: float) -> Iterator[list[Answer]]:
    """Runs ``number`` riders at once. Each tries again ``pause`` seconds after an answer. Yields their answers."""
    over = threading.Event()
    answers: list[Answer] = []

    def rider() -> None:
        while not over.is_set():
            answers.append(ask())
            over.wait(pause)

    threads = [threading.Thread(target=rider) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()
