from __future__ import annotations

import sys
from importlib import import_module

PARTS = ("calls", "cpu", "latency", "hang", "outage", "incidents", "journal", "paint")


def main() -> None:
    wanted = sys.argv[1:] or PARTS
    for name in wanted:
        if name not in PARTS:
            sys.exit(f'There is no part "{name}". There are: {", ".join(PARTS)}.')
    for name in wanted:
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
