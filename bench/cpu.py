"""The CPU of a token request and of an enrollment, as multiples of what no view can do without, and of a bare view."""

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

ROUNDS, CHUNK = 3, 20
TARGET = 1.3
"""How many times the floor a request of ours may cost."""


def main() -> None:
    with upstream() as processor, caches() as found:
        cache = list(found)[-1]
        with TemporaryDirectory() as folder:
            environment = made_ready(Path(folder), processor.url, cache=found[cache])
            lowest = _measured(processor, environment)
    bare = lowest["bare"]
    rows = []
    for view in ("token", "enroll"):
        ours, floor = lowest[f"{view}, ours"], lowest[f"{view}, floor"]
        times = (f"{seconds * 1000:.2f} ms" for seconds in (ours, floor, bare))
        rows.append((view, *times, f"{ours / floor:.2f} x", f"{TARGET} x", f"{ours / bare:.1f} x"))
    print_table(
        f"CPU of a request, in one process, with {cache}",
        ("view", "ours", "floor", "bare view", "ours/floor", "target", "ours/bare"),
        rows,
        note=f"The lowest of {ROUNDS} chunks of {CHUNK} requests, in turns. The floor makes the same calls on pooled "
        "connections, reads a token from the cache and writes the session, and nothing else. Sentry is off. What a "
        "background thread does afterwards is not counted.",
    )


def _measured(processor: Upstream, environment: dict[str, str]) -> dict[str, float]:
    """Seconds by what was measured."""
    command = [sys.executable, "-m", "bench.turns", processor.url, processor.control_url, str(ROUNDS), str(CHUNK)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, check=True, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE
    )
    lowest: dict[str, float] = json.loads(done.stdout)
    return lowest
