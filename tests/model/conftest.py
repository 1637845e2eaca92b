from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from bench.caches import LOCAL_MEMORY, on_redis
from tests.servers import RedisServer, missing

from .processor import WatchedSandbox
from .serving import Served, served
from .world import World


@dataclass(frozen=True)
class Stage:
    """What a run needs, started once for many riders."""

    sandbox: WatchedSandbox
    site: Served
    redis: RedisServer | None = None

    def world(self) -> World:
        return World(self.sandbox, self.site, self.redis)


@pytest.fixture(scope="module", autouse=True)
def watched_sandbox() -> Iterator[WatchedSandbox]:
    """Starts before the first test, so no test counts as having started it and none has to stop it."""
    if find_spec("gunicorn") is None:
        missing("gunicorn")
    with WatchedSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def fleet(watched_sandbox: WatchedSandbox, running_redis: RedisServer) -> Iterator[Stage]:
    """Two workers, sessions in the database, and Redis."""
    with served(watched_sandbox.url, sessions="db", cache=on_redis(running_redis.url), workers=2, threads=6) as site:
        yield Stage(watched_sandbox, site, running_redis)


@pytest.fixture(scope="module")
def one_process(watched_sandbox: WatchedSandbox) -> Iterator[Stage]:
    """One process with threads, sessions in signed cookies, and its own memory as the cache."""
    with served(watched_sandbox.url, sessions="signed_cookies", cache=LOCAL_MEMORY, workers=1, threads=8) as site:
        yield Stage(watched_sandbox, site)


@pytest.fixture(params=["fleet", "one_process"])
def stage(request: pytest.FixtureRequest) -> Stage:
    stage: Stage = request.getfixturevalue(request.param)
    return stage
