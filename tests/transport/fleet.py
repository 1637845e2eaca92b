"""A fleet: real processes that share nothing but Django's cache.

They fork from a clean process that has imported everything once, just as a web server forks its workers.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import django
from django.conf import settings
from django.core.management import call_command

from enrollment_errors.clock import Deadline
from enrollment_errors.exceptions import CircuitOpen, ProcessorError, TimedOut
from enrollment_errors.processes import host_lock
from enrollment_errors.secret import Secret
from enrollment_errors.transport import AccessToken, Limits, ProcessorHttp, Response
from enrollment_errors.transport.circuit import Circuit, Phase, read_state
from tests.waiting import wait_until

from .circuits import heard

BACKENDS = {
    "locmem": "django.core.cache.backends.locmem.LocMemCache",
    "file": "django.core.cache.backends.filebased.FileBasedCache",
    "database": "django.core.cache.backends.db.DatabaseCache",
    "redis": "django.core.cache.backends.redis.RedisCache",
}
IMPORTED_ONCE = [
    __name__,
    *(path.rpartition(".")[0] for path in BACKENDS.values()),
    *("django.db.backends.sqlite3.base", "django.db.backends.postgresql.base", "django.urls", "redis"),
]
Job = Callable[[dict[str, Any], Connection], Any]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED_ONCE)


class Fleet:
    """``with Fleet(4, job, config) as fleet: fleet.go(); …; fleet.results()``: one result for each process.

    ``config`` has the Django settings ``CACHES`` and ``DATABASES`` for the processes, and what the job needs.
    """

    def __init__(self, processes: int, job: Job, config: dict[str, Any]) -> None:
        pipes = [_context.Pipe() for _ in range(processes)]
        self._ends = [ours for ours, _ in pipes]
        self._processes = [
            _context.Process(target=_member, args=(theirs, job, config), daemon=True) for _, theirs in pipes
        ]

    def __enter__(self) -> Fleet:
        for process in self._processes:
            process.start()
        for end in self._ends:
            assert end.recv() == "ready"
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process, end in zip(self._processes, self._ends, strict=True):
            end.close()
            process.kill()
            process.join()

    def go(self) -> None:
        for end in self._ends:
            end.send("go")

    def results(self) -> list[Any]:
        for end in self._ends:
            end.send("stop")
        for end in self._ends:
            assert end.poll(60), "a process has not come to its end"
        return [end.recv() for end in self._ends]


def _member(pipe: Connection, job: Job, config: dict[str, Any]) -> None:
    settings.configure(SECRET_KEY="the fleet's", CACHES=config["CACHES"], DATABASES=config["DATABASES"])
    django.setup()
    logging.getLogger("enrollment_errors").setLevel(logging.INFO)
    pipe.send("ready")
    pipe.recv()
    pipe.send(job(config, pipe))


class _Log(logging.Handler):
    """Keeps what this process logs, and also writes it to a shared file, so that the test can wait for a message."""

    def __init__(self, shared: str) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self._shared = shared

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        with open(self._shared, "a") as file:
            file.write(f"{record.getMessage()}\n")


def _http(config: dict[str, Any]) -> ProcessorHttp:
    return ProcessorHttp(config["account"], config["url"], deadline=Deadline(8), limits=Limits(**config["limits"]))


def keep_calling(config: dict[str, Any], pipe: Connection) -> dict[str, Any]:
    """Keeps calling, with short pauses, until it is stopped. Returns the outcomes and the signals that it heard."""
    outcomes: dict[str, int] = {}
    took: list[float] = []
    log = _Log(config["log"])
    logging.getLogger("enrollment_errors").addHandler(log)
    with heard(config["account"]) as signals:
        while not pipe.poll(0.01):
            started = time.monotonic()
            try:
                _http(config).request("GET", "x", headers={"X-Process": str(os.getpid())}, idempotent=False)
                outcome = "answered"
            except ProcessorError as error:
                outcome = type(error).__name__
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            took.append(time.monotonic() - started)
    return {
        "outcomes": outcomes,
        "signals": [name for name, _ in signals],
        "took": took,
        "log": log.lines,
    }


def use_token(config: dict[str, Any], pipe: Connection) -> dict[str, list[str]]:
    """Four threads use the account's token at once."""
    fetched: list[str] = []
    used: list[str] = []

    def run() -> None:
        http = _http(config)

        def fetch() -> AccessToken:
            value = f"{os.getpid()}-{len(fetched)}"
            fetched.append(value)
            http.request("POST", "oauth/token", idempotent=True)
            return AccessToken(Secret(value), time.time() + 3600)

        def call(token: Secret) -> Response:
            used.append(token.reveal())
            return http.request("GET", "x", idempotent=True)

        http.tokens.use(fetch, call, credentials=())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"fetched": fetched, "used": used}


class Call(NamedTuple):
    """Times by ``time.monotonic``, which all processes on a host share. A refused call was never admitted."""

    asked: float
    admitted: float | None
    ended: float


def probe(config: dict[str, Any], pipe: Connection) -> list[Call]:
    """Until it is stopped, calls a processor that never answers. Returns the calls that it made while the circuit was
    not closed. For each probe, it adds a byte to the file ``config["probes"]``.
    """
    circuit = Circuit(config["account"], failures=1, window=30, open_for=0.02, cache="default")
    with suppress(CircuitOpen, TimedOut), circuit.admit(5):
        raise TimedOut
    # Another process may have opened it and not written that yet. Until then, calls are not probes.
    wait_until(lambda: read_state(config["account"], "default", open_for=0.02).phase is not Phase.CLOSED)
    calls = []
    with open(config["probes"], "ab", buffering=0) as probes:
        while not pipe.poll(0.005):
            asked, admitted = time.monotonic(), None
            with suppress(CircuitOpen, TimedOut), circuit.admit(60):
                admitted = time.monotonic()
                probes.write(b".")
                time.sleep(0.02)
                ended = time.monotonic()
                raise TimedOut
            calls.append(Call(asked, admitted, time.monotonic() if admitted is None else ended))
    return calls


def hold_lock(config: dict[str, Any], pipe: Connection) -> None:
    """Sends whether it got the lock, then holds it until it is killed."""
    with host_lock("lock") as is_ours:
        pipe.send(is_ours)
        time.sleep(60)


def lock_after_a_fork(config: dict[str, Any], pipe: Connection) -> bool:
    """Whether the lock is free again although a child, forked while the lock was held, is still alive."""
    with host_lock("lock"):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        with host_lock("lock") as is_ours:
            return is_ours
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def create_cache_table(config: dict[str, Any], pipe: Connection) -> None:
    call_command("createcachetable", verbosity=0)
