"""How many calls a processor gets while it is down, and how soon riders are served again afterwards."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .caches import LOCAL_MEMORY, Cache, caches
from .riders import Answer, ask_for_token, warm_up
from .serving import Site, site
from .tables import print_table
from .upstream import Upstream, upstream
from .visitors import riders

SECONDS = 6.0
PROCESSES = 4
RIDERS = 8
PAUSE = 0.1
WITHOUT_BREAKER = {"BREAKER_WINDOW": 1, "BREAKER_FAILURES": 100}  # more failures than a second has


def main() -> None:
    with upstream() as processor, caches() as found:
        rows = [_row(processor, f"breaker on {name}", cache=cache) for name, cache in found.items()]
        rows.append(_row(processor, "no breaker", limits=WITHOUT_BREAKER))
    print_table(
        f"An outage of {SECONDS:.0f} s (status 503), {PROCESSES} processes, {RIDERS} riders who try again and again",
        ("", "riders' requests", "upstream calls", "calls a request", "longest answer", "served again after"),
        rows,
        note=f"A rider who got an answer tries again after {PAUSE:g} s. A circuit that has opened stays open for "
        "10 s; then one caller probes. With a local memory cache each process has a circuit of its own.",
    )


def _row(
    processor: Upstream, name: str, *, cache: Cache = LOCAL_MEMORY, limits: Mapping[str, Any] | None = None
) -> list[object]:
    with site(processor.url, workers=PROCESSES, cache=cache, limits=limits) as running:
        warm_up(running.port, "ours", processor, workers=PROCESSES)
        processor.fail(all={"kind": "status", "status": 503, "content_type": "text/html"})
        before = processor.calls
        with riders(RIDERS, lambda: ask_for_token(running.port, "ours"), pause=PAUSE) as answers:
            time.sleep(SECONDS)
            during: list[Answer] = list(answers)
            calls = processor.calls - before
            processor.mend()
            served_after = _served_again(running)
    return [
        name,
        len(during),
        calls,
        f"{calls / len(during):.2f}",
        f"{max(answer.seconds for answer in during):.1f} s",
        f"{served_after:.1f} s",
    ]


def _served_again(running: Site) -> float:
    """Returns how many seconds pass before a rider is served."""
    ended = time.monotonic()
    while not ask_for_token(running.port, "ours").is_success:
        time.sleep(PAUSE)
    return time.monotonic() - ended
