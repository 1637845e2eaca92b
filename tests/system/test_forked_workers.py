"""Workers that gunicorn forks from a process that already has a connection to the processor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bench.riders import enroll

RIDERS = 40


def test_no_rider_gets_another_riders_answer(sandbox, serve):
    sources = [sandbox.state.add_card(f"card-{number}") for number in range(RIDERS)]
    for number in range(RIDERS):
        sandbox.state.add_group(f"group-{number}")
    site = serve(sandbox.url, application="tests.system.preloaded", preload=True, workers=4)
    assert sandbox.calls["tokenization"] == 1, "nothing was called before the fork"

    def walk(number: int) -> bool:
        return enroll(site.port, "ours", f"card-{number}", group=f"group-{number}").is_success

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(walk, range(RIDERS)))

    for number, source in enumerate(sources):
        assert list(sandbox.state.groups[f"group-{number}"].links) == [source]
    assert sandbox.connections >= 3, "several workers, each with connections of its own, were meant to be at it"
