"""Processes × cache backends: real processes that share nothing but Django's cache."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.servers import RedisServer
from tests.waiting import wait_until

from .conftest import LIMITS, Serve
from .fleet import BACKENDS, Fleet, create_cache_table, keep_calling, probe, use_token
from .upstream import Connection, Upstream

pytestmark = pytest.mark.ci_only

PROCESSES = 4
OPEN_FOR = 0.5


@dataclass
class Shared:
    """What a fleet shares. ``exactly_once``: ``add`` succeeds for only one caller, unlike in the file cache."""

    config: dict[str, Any]
    between_processes: bool = True
    exactly_once: bool = True


def caches(backend: str, location: str = "", **options: Any) -> dict[str, Any]:
    return {
        "CACHES": {"default": {"BACKEND": backend, "LOCATION": location, "OPTIONS": options}},
        "DATABASES": {},
    }


@pytest.fixture(
    params=[
        "locmem",
        "file",
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Shared:
    if request.param == "locmem":
        return Shared(caches(BACKENDS["locmem"]), between_processes=False)
    if request.param == "file":
        return Shared(caches(BACKENDS["file"], str(tmp_path)), exactly_once=False)
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return Shared(caches(BACKENDS["redis"], server.url))
    if request.param == "sqlite":
        options = {"transaction_mode": "IMMEDIATE", "timeout": 10}
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db"), "OPTIONS": options}
    else:
        database = request.getfixturevalue("postgres_server").settings
    table = f"cache_{uuid.uuid4().hex}"
    config = {**caches(BACKENDS["database"], table), "DATABASES": {"default": database}}
    with Fleet(1, create_cache_table, config) as fleet:
        fleet.go()
        fleet.results()
    return Shared(config)


class Switched:
    """Answers 200, or 503 while it is ``broken``."""

    def __init__(self) -> None:
        self.broken = threading.Event()

    def __call__(self, connection: Connection) -> None:
        while connection.read_request():
            connection.reply(503 if self.broken.is_set() else 200)


@pytest.fixture
def switched() -> Switched:
    return Switched()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log that all processes in the fleet share."""
    log = tmp_path / "log"
    log.touch()
    return log


def config_for(server: Upstream, account: str, shared: dict[str, Any], log: Path) -> dict[str, Any]:
    limits = {**LIMITS, "breaker_failures": 5, "breaker_open": OPEN_FOR}
    return {**shared, "account": account, "url": server.url, "limits": limits, "log": str(log)}


def told(results: list[dict[str, Any]]) -> Counter[str]:
    return Counter(signal for result in results for signal in result["signals"])


def came_of_it(results: list[dict[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for result in results:
        total.update(result["outcomes"])
    return total


def wait_for_all(server: Upstream) -> None:
    """Waits until every process has made one more call."""
    seen = len(server.requests)
    wait_until(
        lambda: len({request.headers["x-process"] for request in server.requests[seen:]}) == PROCESSES,
        "a call of every process",
    )


def test_an_outage_costs_few_calls_and_is_told_once(
    serve: Serve, shared: Shared, account: str, switched: Switched, log: Path
) -> None:
    server = serve(switched)
    breakers = 1 if shared.between_processes else PROCESSES
    with Fleet(PROCESSES, keep_calling, config_for(server, account, shared.config, log)) as fleet:
        fleet.go()
        wait_for_all(server)
        switched.broken.set()
        before = len(server.requests)
        started = time.monotonic()
        enough = 7 * breakers + PROCESSES  # failures that open it, calls in progress, and probes
        wait_until(lambda: len(server.requests) >= before + enough, "failures and probes")
        during = len(server.requests) - before
        probes = (time.monotonic() - started) / OPEN_FOR
        switched.broken.clear()
        wait_for_all(server)
        results = fleet.results()
    # Five failures open it, and other calls may be in progress at that time.
    assert during <= (5 + probes) * breakers + 2 * PROCESSES
    assert came_of_it(results)["CircuitOpen"] > during
    if shared.exactly_once:
        assert told(results) == {"opened": breakers, "closed": breakers}
    else:
        assert set(told(results)) == {"opened", "closed"}


def test_processes_probe_one_after_the_other(shared: Shared, account: str, tmp_path: Path) -> None:
    made = tmp_path / "probes"
    made.touch()
    with Fleet(PROCESSES, probe, {**shared.config, "account": account, "probes": str(made)}) as fleet:
        fleet.go()
        wait_until(lambda: made.stat().st_size >= 5 * PROCESSES, "the probes")
        calls = [call for result in fleet.results() for call in result]
    probes = sorted((call.admitted, call.ended) for call in calls if call.admitted)
    meanwhile = [call for call in calls if any(admitted < call.asked < ended for admitted, ended in probes)]
    let_in = [call for call in meanwhile if call.admitted]
    assert meanwhile
    if shared.exactly_once:
        assert not [(one, other) for one, other in pairwise(probes) if other[0] < one[1]]
    else:
        # All who ask at the same moment may get in, and may still be there when the next ones do. Nobody later may.
        assert len(let_in) <= len(meanwhile) / 4, let_in


def test_one_process_fetches_the_token_for_all(
    serve: Serve, shared: Shared, account: str, switched: Switched, log: Path
) -> None:
    server = serve(switched)
    with Fleet(PROCESSES, use_token, config_for(server, account, shared.config, log)) as fleet:
        fleet.go()
        results = fleet.results()
    fetched = [token for result in results for token in result["fetched"]]
    used = [token for result in results for token in result["used"]]
    assert len(used) == 4 * PROCESSES
    assert set(used) <= set(fetched)
    if not shared.between_processes:
        assert len(fetched) == PROCESSES
    elif shared.exactly_once:
        assert len(fetched) == 1
    else:
        assert len(fetched) <= PROCESSES


@pytest.mark.redis
class TestRedisFails:
    @pytest.fixture
    def redis(self, redis_server: RedisServer) -> Any:
        yield redis_server
        redis_server.stop()
        redis_server.start()

    def test_killed_and_brought_back_it_costs_no_rider_a_call(
        self, serve: Serve, account: str, switched: Switched, redis: RedisServer, log: Path
    ) -> None:
        # A dead Redis refuses at once. With a shorter timeout, a busy machine would look like one more failure.
        cache = caches(BACKENDS["redis"], redis.url, socket_timeout=5, socket_connect_timeout=5)
        server = serve(switched)
        with Fleet(PROCESSES, keep_calling, config_for(server, account, cache, log)) as fleet:
            fleet.go()
            wait_for_all(server)
            redis.stop()
            wait_until(lambda: log.read_text().count("failed") >= PROCESSES, "the failure for every process")
            wait_for_all(server)
            redis.start()
            wait_until(lambda: log.read_text().count("answers again") >= PROCESSES, "the end of it for every process")
            switched.broken.set()  # and now the breaker works again
            before = len(server.requests)
            started = time.monotonic()
            wait_until(lambda: len(server.requests) >= before + 6 + PROCESSES, "failures and a probe")
            probes = (time.monotonic() - started) / OPEN_FOR
            switched.broken.clear()
            wait_for_all(server)
            results = fleet.results()
        outcomes = came_of_it(results)
        assert set(outcomes) == {"answered", "StatusError", "CircuitOpen"}
        assert 5 <= outcomes["StatusError"] <= 5 + probes + 2 * PROCESSES
        assert told(results) == {"opened": 1, "closed": 1}
        for result in results:
            down, back = result["log"]
            assert "failed" in down
            assert "answers again" in back

    def test_hanging_it_costs_a_moment_and_then_nothing(
        self, serve: Serve, account: str, switched: Switched, redis: RedisServer, log: Path
    ) -> None:
        cache = caches(BACKENDS["redis"], redis.url, socket_timeout=0.25, socket_connect_timeout=0.25)
        server = serve(switched)
        with Fleet(PROCESSES, keep_calling, config_for(server, account, cache, log)) as fleet:
            fleet.go()
            wait_for_all(server)
            redis.freeze()
            for _ in range(20):
                wait_for_all(server)
            results = fleet.results()
            redis.thaw()
        assert set(came_of_it(results)) == {"answered"}
        assert all(median(result["took"]) < 0.25 for result in results)
        assert all(len(result["log"]) == 1 for result in results)
