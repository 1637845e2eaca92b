"""Records a circuit's signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from enrollment_errors.transport.circuit import circuit_closed, circuit_opened


@contextmanager
def heard(account: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """``("opened" or "closed", arguments)`` for every signal about the account."""
    signals: list[tuple[str, dict[str, Any]]] = []

    def opened(**arguments: Any) -> None:
        if arguments["account"] == account:
            signals.append(("opened", arguments))

    def closed(**arguments: Any) -> None:
        if arguments["account"] == account:
            signals.append(("closed", arguments))

    circuit_opened.connect(opened)
    circuit_closed.connect(closed)
    try:
        yield signals
    finally:
        circuit_opened.disconnect(opened)
        circuit_closed.disconnect(closed)
