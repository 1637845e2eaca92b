"""Ports on this machine."""

from __future__ import annotations

import contextlib
import socket


def free_port() -> int:
    """For a program that cannot pick a free port itself, or that must come back on the same one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
