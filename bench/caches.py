"""The caches to measure with. Starts a Redis server for the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.servers import RedisServer

Cache = Mapping[str, Any]
"""An entry of Django's setting ``CACHES``."""

LOCAL_MEMORY: Cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


def on_redis(url: str) -> Cache:
    # Without these timeouts, a Redis that hangs would hold a rider for as long as the client's default.
    timeouts = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": timeouts}


@contextmanager
def caches() -> Iterator[dict[str, Cache]]:
    """The caches, by name. Prints a sentence if Redis is missing."""
    program = shutil.which("redis-server")
    if program is None or find_spec("redis") is None:
        missing = "the Python package redis" if program else "redis-server"
        print(f"Nothing is measured with Redis: {missing} is missing.")
        yield {"local memory": LOCAL_MEMORY}
        return
    with TemporaryDirectory() as folder:
        server = RedisServer(program, Path(folder))
        server.start()
        try:
            yield {"local memory": LOCAL_MEMORY, "Redis": on_redis(server.url)}
        finally:
            server.stop()
