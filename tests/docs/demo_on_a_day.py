"""The demo on a day that is always the same, so that pictures of it change only if the pages do.

``python tests/docs/demo_on_a_day.py`` takes the demo's options. Each line on its input is the time from then on.
"""

from __future__ import annotations

import runpy
import sys
import threading
from pathlib import Path

import time_machine

RUN = Path(__file__).parents[2] / "example_project" / "demo" / "run.py"
BEGINS = "2026-11-05T09:00:00-08:00"


def main() -> None:
    with time_machine.travel(BEGINS, tick=True) as clock:
        threading.Thread(target=follow, args=[clock], daemon=True).start()
        runpy.run_path(str(RUN), run_name="__main__")


def follow(clock: time_machine.Traveller) -> None:
    for line in sys.stdin:
        clock.move_to(line.strip())
        print(line, end="", flush=True)


if __name__ == "__main__":
    main()
