"""The CPU time of a token request and of an enrollment, compared with the floor (``site.floor``) and a bare view."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .caches import caches
from .processes import ROOT
from .serving import made_ready
from .tables import print_table
from .upstream import Upstream, upstream

ROUNDS, CHUNK = 60, 10
TARGET = 1.3
"""The most that one of our requests may cost, as a multiple of the floor."""


def main() -> None:
    rows = []
    with upstream() as processor, caches() as found:
        name = list(found)[-1]
        for sentry in ("off", "on"):
            with TemporaryDirectory() as folder:
                told = {"sentry": sentry == "on"}
                environment = made_ready(Path(folder), processor.url, cache=found[name], told=told)
                lowest = _measured(processor, environment)
            rows += [(f"{view}, Sentry {sentry}", *_row(lowest, view)) for view in ("token", "enroll")]
    print_table(
        f"CPU of a request, in one process, with {name}",
        ("view", "ours", "floor", "bare view", "ours/floor", "target", "ours/bare"),
        rows,
        note=f"The lowest of {ROUNDS} chunks of {CHUNK} requests, in turns. The floor makes the same calls on pooled "
        "connections, reads a token from the cache and writes the session, and does nothing else. Sentry on is with "
        "the integrations that it enables by itself, and without tracing. What a background thread does afterwards is "
        "not counted.",
    )


def _row(lowest: dict[str, float], view: str) -> tuple[str, ...]:
    ours, floor, bare = lowest[f"{view}, ours"], lowest[f"{view}, floor"], lowest["bare"]
    times = (f"{seconds * 1000:.2f} ms" for seconds in (ours, floor, bare))
    return (*times, f"{ours / floor:.2f} x", f"{TARGET} x", f"{ours / bare:.1f} x")


def _measured(processor: Upstream, environment: dict[str, str]) -> dict[str, float]:
    """The lowest seconds, by what was measured."""
    command = [sys.executable, "-m", "bench.turns", processor.url, processor.control_url, str(ROUNDS), str(CHUNK)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, check=True, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE
    )
    lowest: dict[str, float] = json.loads(done.stdout)
    return lowest
