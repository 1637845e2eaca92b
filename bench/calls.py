"""The upstream calls and new connections of one enrollment, token included, by the size of the concession group."""

from __future__ import annotations

from collections import Counter
from itertools import count

from .riders import ask_for_token, enroll, warm_up
from .serving import Site, site
from .tables import milliseconds, percentile, print_table, ratio
from .upstream import Upstream, upstream

GROUP_SIZES = (0, 100, 1_000, 10_000)
RIDERS = 8
WHOSE = ("ours", "naive")

_numbers = count(1)


def main() -> None:
    with upstream() as processor, site(processor.url) as running:
        warm_up(running.port, "ours", processor, workers=2)
        rows = [_row(running, processor, size) for size in GROUP_SIZES]
    print_table(
        "One enrollment, token included: upstream calls, new connections to the processor, duration (median)",
        ("members", "calls: ours", "naive", "connections: ours", "naive", "duration: ours", "naive", "naive/ours"),
        rows,
        note=f"{RIDERS} riders each, ours and naive in turns; 2 sync workers that have a token; local memory cache.",
    )


def _row(running: Site, processor: Upstream, size: int) -> list[object]:
    calls, connections = Counter[str](), Counter[str]()
    durations: dict[str, list[float]] = {whose: [] for whose in WHOSE}
    for whose in WHOSE:
        processor.add_group(f"{whose}-{size}", size)
    for whose in WHOSE * RIDERS:
        calls[whose] -= processor.calls
        connections[whose] -= processor.connections
        durations[whose].append(_walk(running, processor, whose, f"{whose}-{size}"))
        calls[whose] += processor.calls
        connections[whose] += processor.connections
    medians = [percentile(durations[whose], 0.5) for whose in WHOSE]
    return [
        f"{size:,}",
        *(f"{numbers[whose] / RIDERS:.1f}" for numbers in (calls, connections) for whose in WHOSE),
        *map(milliseconds, medians),
        ratio(*medians),
    ]


def _walk(running: Site, processor: Upstream, whose: str, group: str) -> float:
    """Returns the seconds that a rider's two requests take."""
    card_token = f"rider-{next(_numbers)}"
    processor.add_card(card_token)
    answers = [ask_for_token(running.port, whose), enroll(running.port, whose, card_token, group=group)]
    if not all(answer.is_success for answer in answers):
        raise RuntimeError(f"{whose}: {answers}")
    return sum(answer.seconds for answer in answers)
