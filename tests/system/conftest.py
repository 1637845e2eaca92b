from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import pytest

from bench.caches import Cache, on_redis
from bench.serving import Site, site
from tests.servers import RedisServer, missing

Serve = Callable[..., Site]


@pytest.fixture
def redis_cache(redis_server: RedisServer) -> Cache:
    return on_redis(redis_server.url)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(processor_url, …)`` runs the bench's site under gunicorn and takes what ``bench.serving.site`` takes."""
    if find_spec("gunicorn") is None:
        missing("gunicorn")
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(site(*args, **kwargs))
