from __future__ import annotations

import subprocess
import sys
from importlib import import_module

PARTS = ("calls", "cpu", "latency", "hang", "outage", "incidents", "journal", "replay", "paint")


def main() -> None:
    wanted = sys.argv[1:] or PARTS
    for name in wanted:
        if name not in PARTS:
            sys.exit(f'There is no part "{name}". There are: {", ".join(PARTS)}.')
    if len(wanted) == 1:
        import_module(f"bench.{wanted[0]}").main()
        return
    for name in wanted:  # each in its own process: some set up Django, which a process can do only once
        subprocess.run([sys.executable, "-m", "bench", name], check=True)  # noqa: S603 - our own command


if __name__ == "__main__":
    main()
