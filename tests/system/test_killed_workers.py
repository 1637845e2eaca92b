"""Hundreds of riders enroll while workers are killed, Redis and PostgreSQL restart, and answers get lost. After one
sweep, nothing is left open.

The test asks only for what the app promises. While the database is down, the app cannot write anything down, and its
riders keep checking. When Redis restarts, it forgets which riders were told of a success. So no worker is killed from
just before Redis or PostgreSQL stops until every worker has noticed that it is back.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bench.caches import on_redis
from bench.processes import ROOT, running
from bench.serving import GUNICORN, made_ready
from enrollment_errors.reporting.background import BATCH_SECONDS
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.ports import accepts, free_port
from tests.servers import PostgresServer, RedisServer
from tests.waiting import wait_until

pytestmark = [pytest.mark.ci_only, pytest.mark.redis, pytest.mark.postgresql]

RIDERS = 300
WORKERS = 4
HAS_DELIVERED = 10 * BATCH_SECONDS
"""Seconds after which a worker has written its last counts to the database. Nobody can see that from outside."""
OVER = {
    "The cache 'default' failed": "The cache 'default' answers again",
    "Links are sent without being written down": "Links are written down again",
    "Incidents cannot be delivered": "Incidents are delivered again",
    "Entries of the ledger cannot be delivered": "Entries of the ledger are delivered again",
}
"""What a worker logs when an outage begins, and when it ends."""
GROUP = "group-seniors"
LIMITS = {
    **{"BUDGET": 3, "CONNECT_TIMEOUT": 0.5, "READ_TIMEOUT": 1, "ATTEMPTS": 2, "LINK_QUIET_TIME": 10},
    # The breaker would keep most calls from the processor, and riders would have to wait.
    **{"BREAKER_WINDOW": 1, "BREAKER_FAILURES": 100, "RIDER_REQUESTS": 100},
}
FAULTS = {
    "lookup": (Fault(kind="status", status=502, probability=0.05), Fault(kind="reset", probability=0.05)),
    "link": (
        Fault(kind="reset", after_effect=True, probability=0.15),
        Fault(kind="cut", after_effect=True, probability=0.1),
        Fault(kind="hang", after_effect=True, probability=0.02),
        Fault(kind="delay", seconds=0.3, probability=0.3),  # leaves time to kill a worker
        Fault(kind="reset", probability=0.1),
        Fault(kind="status", status=503, probability=0.1),
        Fault(kind="status", status=403, probability=0.05),
    ),
    "groups": (Fault(kind="status", status=503, probability=0.4), Fault(kind="reset", probability=0.1)),
}


@dataclass
class Trouble:
    """What goes wrong at the site. Riders do not leave while the database is down."""

    workers_are_spared: threading.Event = field(default_factory=threading.Event)
    database_is_down: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    killed: int = 0


class Browser:
    """A rider's browser, with the cookies of one visit."""

    def __init__(self, port: int, card_token: str, trouble: Trouble, number: int) -> None:
        self.card_token = card_token
        self.told: list[str] = []
        """The pages that the rider read, in order; empty texts for answers that never came."""
        self._site = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.headers.update({"X-Group": GROUP, "X-CSRFToken": "b" * 32})
        self._session.cookies.set("csrftoken", "b" * 32)
        self._chance = random.Random(number)
        self._trouble = trouble

    def enrolls(self) -> Browser:
        """Tries until there is a real answer, or until the rider gives up."""
        stays = self._chance.random() < 0.4
        where = self._tries()
        for _ in range(40):
            stays = stays or self._trouble.database_is_down.is_set()
            page = self.told[-1]
            if page == "success" or (page and page != "still-checking" and not stays) or not (stays or page):
                break
            if not stays and page == "still-checking" and self._chance.random() < 0.5:
                break
            time.sleep(0.2)
            where = self._asks("POST", where) if page == "still-checking" else self._tries()
        self._session.close()
        return self

    def _tries(self) -> str:
        page = None
        while page is None:  # a worker that dies over a page has changed nothing
            with suppress(requests.RequestException):
                page = self._session.get(f"{self._site}/ours/", timeout=30)
        made_for = re.search(r'name="made_for" value="(\w+)"', page.text)
        assert made_for, page.text
        return self._asks("POST", f"{self._site}/ours/", data={"card_token": self.card_token, "made_for": made_for[1]})

    def _asks(self, method: str, url: str, **kwargs: Any) -> str:
        try:
            answer = self._session.request(method, url, timeout=30, **kwargs)
        except requests.RequestException:
            self.told.append("")
            return url
        self.told.append(urlsplit(answer.url).path.strip("/").partition("/")[2])
        return answer.url


@dataclass
class Killable:
    port: int
    pid: int
    environment: dict[str, str]
    log: Path

    def workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@contextmanager
def site(sandbox: SandboxServer, folder: Path, redis: RedisServer, postgres: PostgresServer) -> Iterator[Killable]:
    environment = made_ready(
        folder,
        sandbox.url,
        cache=on_redis(redis.url),
        limits=LIMITS,
        settings="tests.system.killed_site",
        told={"postgresql": {**postgres.settings, "NAME": "killed"}},
    )
    port = free_port()
    # Preloaded, so that a new worker takes the place of a killed one at once.
    command = [*GUNICORN, "--preload", f"--workers={WORKERS}", f"--bind=127.0.0.1:{port}", "bench.site.wsgi"]
    with running(command, folder / "log", env=environment) as process:
        wait_until(lambda: accepts(port), "the site")
        yield Killable(port, process.pid, environment, folder / "log")


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[dict[str, Any]]:
    import psycopg

    where = {"host": "127.0.0.1", "port": postgres_server.port, "user": "tests"}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as server:
        server.execute("CREATE DATABASE killed")
    yield {**where, "dbname": "killed"}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as server:
        server.execute("DROP DATABASE killed WITH (FORCE)")


def kill_workers(served: Killable, sandbox: SandboxServer, trouble: Trouble) -> None:
    """Kills a worker whenever the processor has received a few more links, so riders get on even on a slow machine."""
    chance = random.Random(20261128)
    next_one = 3
    while not trouble.over.wait(0.005):
        if sandbox.calls["link"] < next_one or trouble.workers_are_spared.is_set():
            continue
        next_one = sandbox.calls["link"] + chance.randint(2, 10)
        with suppress(ProcessLookupError, IndexError):
            os.kill(chance.choice(served.workers()), signal.SIGKILL)
            trouble.killed += 1


@contextmanager
def nobody_killed(
    served: Killable, trouble: Trouble, browsers: list[Browser], walks: list[Future[Browser]]
) -> Iterator[None]:
    """Begins once all workers are there and every rider who got no answer has one. Ends once every worker that noticed
    an outage has noticed its end. Riders go on meanwhile."""

    def everybody_knows() -> bool:
        waiting = [one for one, walk in zip(browsers, walks, strict=True) if one.told and not walk.done()]
        return len(served.workers()) == WORKERS and all(one.told[-1] for one in waiting)

    trouble.workers_are_spared.set()
    wait_until(everybody_knows, "workers that are all there, and an answer for each rider")
    before = len(served.log.read_text())
    yield

    def is_over() -> bool:
        said = served.log.read_text()[before:]
        return all(map(Future.done, walks)) or all(said.count(down) == said.count(up) for down, up in OVER.items())

    wait_until(is_over, "the end of the outage")
    time.sleep(HAS_DELIVERED)
    trouble.workers_are_spared.clear()


def test_every_rider_is_linked_once_or_not_at_all_and_everything_has_an_end(
    sandbox: SandboxServer,
    redis_server: RedisServer,
    postgres_server: PostgresServer,
    database: dict[str, Any],
    tmp_path: Path,
) -> None:
    import psycopg

    sandbox.faults.seed(20261128)
    for endpoint, faults in FAULTS.items():
        sandbox.faults.set(endpoint, *faults)
    sources = {f"card-{number}": sandbox.state.add_card(f"card-{number}") for number in range(RIDERS)}
    trouble = Trouble()

    with site(sandbox, tmp_path, redis_server, postgres_server) as served:
        killer = threading.Thread(target=kill_workers, args=(served, sandbox, trouble))
        killer.start()
        try:
            with ThreadPoolExecutor(2 * WORKERS) as riders:
                browsers = [Browser(served.port, token, trouble, number) for number, token in enumerate(sources)]
                walks = [riders.submit(browser.enrolls) for browser in browsers]
                done = as_completed(walks)
                deque(islice(done, RIDERS // 3), maxlen=0)
                with nobody_killed(served, trouble, browsers, walks):
                    redis_server.stop()
                    redis_server.start()
                deque(islice(done, RIDERS // 3), maxlen=0)
                trouble.database_is_down.set()
                with nobody_killed(served, trouble, browsers, walks):
                    postgres_server.stop()
                    postgres_server.go_on()
                trouble.database_is_down.clear()
                for walk in walks:
                    walk.result()
        finally:
            trouble.over.set()
            killer.join()
        wait_until(lambda: nobody_is_at_work(database), "the end of all requests")
        sandbox.faults.clear()
        swept = subprocess.run(
            [sys.executable, "-m", "django", "settle_enrollments"],
            cwd=ROOT,
            env={**os.environ, **served.environment},
            capture_output=True,
            text=True,
            check=True,
        )

    links = sandbox.state.groups[GROUP].links
    with psycopg.connect(**database) as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM enrollment_settling_sentlink GROUP BY state"))
        [(counted,)] = connection.execute(
            "SELECT sum(count) FROM enrollment_incidents_daycount JOIN enrollment_incidents_ending AS ending"
            " ON ending.id = ending_id WHERE outcome = 'success'"
        )
        [(entered,)] = connection.execute("SELECT count(*) FROM enrollment_ledger_entry")
    last = {browser.card_token: browser.told[-1] for browser in browsers}
    print(f"{trouble.killed} workers killed; riders read last: {Counter(last.values())}; {swept.stdout.strip()}")

    assert trouble.killed > RIDERS / 20
    assert min(Counter(last.values())[page] for page in ("success", "still-checking", "")) > 0
    assert set(states) <= {"linked", "not_linked"}, "a row has not ended"
    assert states["linked"] > 0
    for token, page in last.items():
        assert page != "success" or sources[token] in links, "a rider who was told of success is not linked"
        assert page not in ("system-error", "server-error") or sources[token] not in links, "a denied card is linked"
    assert sandbox.calls["unlink"] == 0
    assert counted == len(links), "the counts and the processor's list differ"
    assert entered == len(links), "the ledger and the processor's list differ"


def nobody_is_at_work(database: dict[str, Any]) -> bool:
    """Whether the processor can no longer be working on a link, and every open row is due."""
    import psycopg

    with psycopg.connect(**database) as connection:
        [(last,)] = connection.execute("SELECT max(next_at) FROM enrollment_settling_sentlink WHERE state = 'open'")
    return last is None or last.timestamp() + LIMITS["LINK_QUIET_TIME"] < time.time()
