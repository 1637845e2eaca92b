"""How long riders wait for the token and the enrollment, with our views and with a naive client's."""

from __future__ import annotations

from itertools import count

from .caches import caches
from .riders import Answer, ask_for_token, enroll, warm_up
from .serving import Site, site
from .tables import milliseconds, percentile, print_table, ratio
from .upstream import Upstream, upstream

UPSTREAM_SECONDS = (0, 0.05)
RIDERS = 25
VIEWS = ("token", "enroll")
WHOSE = ("ours", "naive")

_numbers = count(1)


def main() -> None:
    rows: list[list[object]] = []
    with upstream() as processor, caches() as found:
        for name, cache in found.items():
            with site(processor.url, cache=cache) as running:
                processor.mend()
                warm_up(running.port, "ours", processor, workers=2)
                for seconds in UPSTREAM_SECONDS:
                    rows += _rows(running, processor, name, seconds)
    print_table(
        "What a rider waits for",
        ("view, cache, upstream latency", "ours: median", "p95", "naive: median", "p95", "naive/ours: median", "p95"),
        rows,
        note=f"{RIDERS} riders each, ours and naive in turns; 2 sync workers; a small group (1 page of members).",
    )


def _rows(running: Site, processor: Upstream, cache: str, upstream_seconds: float) -> list[list[object]]:
    if upstream_seconds:
        processor.fail(all={"kind": "delay", "seconds": upstream_seconds})
    else:
        processor.mend()
    group = f"group-{next(_numbers)}"
    processor.add_group(group, 0)
    waited: dict[tuple[str, str], list[float]] = {(view, whose): [] for view in VIEWS for whose in WHOSE}
    for view, whose in [*waited] * RIDERS:
        waited[view, whose].append(_ask(running, processor, view, whose, group).seconds)
    rows: list[list[object]] = []
    for view in VIEWS:
        ours, naive = ([percentile(waited[view, whose], share) for share in (0.5, 0.95)] for whose in WHOSE)
        numbers = (*map(milliseconds, (*ours, *naive)), *map(ratio, ours, naive))
        rows.append([f"{view}, {cache}, {upstream_seconds * 1000:.0f} ms", *numbers])
    return rows


def _ask(running: Site, processor: Upstream, view: str, whose: str, group: str) -> Answer:
    if view == "token":
        answer = ask_for_token(running.port, whose)
    else:
        card_token = f"rider-{next(_numbers)}"
        processor.add_card(card_token)
        answer = enroll(running.port, whose, card_token, group=group)
    if not answer.is_success:
        raise RuntimeError(f"{view}, {whose}: {answer}")
    return answer
