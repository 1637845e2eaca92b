"""The site under gunicorn, and what a test can do to it from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.processes import ROOT, running
from tests.servers import wait_until

READ_TIMEOUT = 0.8
QUIET = 3.0
LIMITS = {
    "BUDGET": 2.0,
    "CONNECT_TIMEOUT": 0.8,
    "READ_TIMEOUT": READ_TIMEOUT,
    "ATTEMPTS": 2,
    "LINK_QUIET_TIME": QUIET,
    # The breaker would keep requests from the processor, and hide what the model is about.
    "BREAKER_FAILURES": 100,
    "BREAKER_WINDOW": 1,
    "BREAKER_OPEN": 0.2,
    # These riders are meant to be faster than real ones.
    "RIDER_REQUESTS": 100,
    "RIDER_WINDOW": 1,
}


class Served:
    """``sessions`` is the name of the session engine."""

    def __init__(self, port: int, sessions: str, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.sessions = sessions
        self._database = folder / "db"
        self._journal = folder / "journal"
        self._read = 0
        self._lines: list[dict[str, Any]] = []

    @property
    def keeps_sessions_in_the_database(self) -> bool:
        return self.sessions == "db"

    @property
    def ends(self) -> list[str]:
        """The references of the ends in the site's log."""
        return [line["ended"] for line in self._told() if "ended" in line]

    @property
    def successes(self) -> list[str]:
        """The references of the successes that the site's hook was called for."""
        return [line["success"] for line in self._told() if "success" in line]

    def kill_the_worker_of(self, request: str) -> None:
        [pid] = {line["pid"] for line in self._told() if line.get("request") == request}
        os.kill(pid, signal.SIGKILL)

    def delete_session(self, key: str) -> None:
        with self._connection() as connection:
            connection.execute("DELETE FROM django_session WHERE session_key = ?", [key])

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Nobody else can write, but others can still read."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._database, isolation_level=None, timeout=20)) as connection:
            yield connection

    def _told(self) -> list[dict[str, Any]]:
        if self._journal.exists():
            with self._journal.open("rb") as journal:
                journal.seek(self._read)
                new = journal.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self._lines += [json.loads(line) for line in whole.splitlines()]
        return self._lines


@contextmanager
def served(
    processor_url: str, *, sessions: str, cache: Mapping[str, Any], workers: int, threads: int
) -> Iterator[Served]:
    with TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        folder = Path(name)
        told = {
            "processor_url": processor_url,
            "sessions": sessions,
            "cache": {**cache, "KEY_PREFIX": folder.name},
            "limits": LIMITS,
            "database": str(folder / "db"),
            "journal": str(folder / "journal"),
        }
        environment = {"DJANGO_SETTINGS_MODULE": "tests.model.site.settings", "MODEL_SITE": json.dumps(told)}
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
        subprocess.run(migrate, check=True, cwd=ROOT, env={**os.environ, **environment})
        command = [sys.executable, "-m", "gunicorn", "tests.model.site.wsgi", "--config=bench/site/gunicorn.py"]
        command += [f"--workers={workers}", f"--threads={threads}", f"--bind=fd://{listener.fileno()}"]
        port = listener.getsockname()[1]
        with running(command, folder / "log", env=environment, pass_fds=[listener.fileno()]) as process:
            listener.close()
            wait_until(lambda: process.said.count("site loaded") == workers, "the start of the site")
            yield Served(port, sessions, folder)
