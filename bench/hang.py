"""What visitors to other pages notice while the processor hangs and riders try to enroll."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from .caches import LOCAL_MEMORY, Cache, caches
from .riders import enroll, warm_up
from .serving import Site, site
from .tables import milliseconds, percentile, print_table
from .upstream import Upstream, upstream
from .visitors import PATIENCE, Visit, riders, visit_other_pages

SECONDS = 30.0
IDLE_SECONDS = 2.0
NAIVE_SECONDS = 5.0
RIDERS = 8
PAUSE = 1.0
SERVERS: Mapping[str, Mapping[str, int]] = {
    "2 sync workers": {"workers": 2, "threads": 1},
    "2 x 8 threads": {"workers": 2, "threads": 8},
}
COLUMNS = ("server, cache, phase", "visits", "answered", "median", "p99", "longest", "riders' longest wait")


def main() -> None:
    rows: list[list[object]] = []
    with upstream() as processor, caches() as found:
        for server, shape in SERVERS.items():
            for name, cache in found.items():
                rows += _ours(processor, f"{server}, {name}", shape, cache)
        rows += _naive(processor, "2 sync workers", SERVERS["2 sync workers"])
    print_table(
        f"Other pages while the processor hangs for {SECONDS:.0f} s and {RIDERS} riders enroll",
        COLUMNS,
        rows,
        note=f"Answered: 200 within {PATIENCE:.0f} s. A rider who got an answer tries again after {PAUSE:.0f} s. "
        "The breaker counts as open from when it is for every worker: with a local memory cache each has its own. "
        "Those who come then, while the last who came before it still wait, are the queue. "
        f"The last rows are the naive client's, which hangs for {NAIVE_SECONDS:.0f} s.",
    )


def _ours(processor: Upstream, name: str, shape: Mapping[str, int], cache: Cache) -> list[list[object]]:
    with site(processor.url, cache=cache, **shape) as running:
        idle, hanging, waited = _measure(running, processor, "ours", SECONDS)
        opened = running.circuits_opened
    is_open_at = max(opened) if len(opened) == (shape["workers"] if cache is LOCAL_MEMORY else 1) else float("inf")
    before = [visit for visit in hanging if visit.at < is_open_at]
    no_queue_at = max([is_open_at, *(visit.at + visit.answer.seconds for visit in before)])
    return [
        _row(f"{name}, idle", idle),
        _row(f"{name}, before the breaker is open", before, waited),
        _row(f"{name}, breaker open, queue", [visit for visit in hanging if is_open_at <= visit.at < no_queue_at]),
        _row(f"{name}, breaker open", [visit for visit in hanging if visit.at >= no_queue_at]),
    ]


def _naive(processor: Upstream, name: str, shape: Mapping[str, int]) -> list[list[object]]:
    with site(processor.url, **shape) as running:
        idle, hanging, _ = _measure(running, processor, "naive", NAIVE_SECONDS)
    return [_row(f"naive, {name}, idle", idle), _row(f"naive, {name}, hanging", hanging)]


def _measure(
    running: Site, processor: Upstream, whose: str, seconds: float
) -> tuple[list[Visit], list[Visit], Sequence[float]]:
    """The visits while all is well, those while the processor hangs, and how long riders waited meanwhile."""
    cards = (f"card-{number}" for number in count())  # a new one each time: the breaker counts a card once
    warm_up(running.port, whose, processor, workers=2)
    idle = visit_other_pages(running.port, IDLE_SECONDS)
    processor.fail(all={"kind": "hang"})
    with riders(RIDERS, lambda: enroll(running.port, whose, next(cards), patience=SECONDS), pause=PAUSE) as answers:
        hanging = visit_other_pages(running.port, seconds)
        waited = [answer.seconds for answer in answers]
        processor.end_calls()
    return idle, hanging, waited


def _row(name: str, visits: Sequence[Visit], waited: Sequence[float] = ()) -> list[Any]:
    if not visits:
        return [name, 0, *["-"] * 5]
    seconds = [visit.answer.seconds for visit in visits]
    answered = sum(visit.answer.is_success for visit in visits) / len(visits)
    return [
        name,
        len(visits),
        f"{answered:.1%}",
        *(milliseconds(percentile(seconds, share)) for share in (0.5, 0.99, 1)),
        f"{max(waited):.1f} s" if waited else "",
    ]
