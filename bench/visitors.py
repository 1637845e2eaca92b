"""Who visits the site meanwhile: a steady stream of people who want another page, and riders who will enroll."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from .riders import Answer, get

INTERVAL = 0.04
"""Seconds from one visitor of another page to the next, whatever becomes of the one before."""
PATIENCE = 10.0
"""Seconds after which such a visitor goes away unanswered."""


@dataclass(frozen=True)
class Visit:
    """``at`` is epoch seconds: when it began."""

    at: float
    answer: Answer


def visit_other_pages(port: int, seconds: float) -> list[Visit]:
    """Returns when the last visitor has been answered or has gone."""

    def visit(at: float) -> Visit:
        time.sleep(max(0.0, at - time.time()))
        return Visit(at, get(port, "/other/", patience=PATIENCE))

    start = time.time()
    moments = [start + number * INTERVAL for number in range(round(seconds / INTERVAL))]
    with ThreadPoolExecutor(max_workers=round(PATIENCE / INTERVAL) + 50) as pool:
        return list(pool.map(visit, moments))


@contextmanager
def riders(number: int, ask: Callable[[], Answer], *, pause: float) -> Iterator[list[Answer]]:
    """``number`` riders at once. Each who is answered tries again after ``pause`` seconds. Yields their answers."""
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
