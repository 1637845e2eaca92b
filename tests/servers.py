"""Redis, PostgreSQL, and MariaDB that a test run starts for itself, on free ports and in folders of their own.

If a program is missing, the tests that need it are skipped with a message that names it. With
``ENROLLMENT_ERRORS_REQUIRE_ALL=1``, they fail instead.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from .ports import accepts, free_port
from .waiting import PATIENCE, wait_until


def missing(what: str) -> NoReturn:
    if os.environ.get("ENROLLMENT_ERRORS_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing, and nothing may be skipped")
    pytest.skip(f"{what} is missing")


def _need_library(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        missing(f"the Python library {name}")


class RedisServer:
    """It loses its data on ``stop`` and keeps its port."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            program,
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)),
            *("--save", "", "--appendonly", "no"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: accepts(self.port), "the start of Redis")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def freeze(self) -> None:
        """It accepts connections but answers nothing until it thaws."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis_server(running_redis: RedisServer) -> RedisServer:
    """An empty one."""
    running_redis.empty()
    return running_redis


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    _need_library("redis")
    program = shutil.which("redis-server") or missing("redis-server")
    server = RedisServer(program, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


class PostgresServer:
    """The user ``tests`` may do everything in the database ``postgres``, without a password."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.port = free_port()
        self.settings = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "tests",
            "HOST": "127.0.0.1",
            "PORT": self.port,
        }
        self._programs = programs
        self._data = folder / "data"
        # PostgreSQL refuses to run as root.
        owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._run(
            "initdb", "--auth=trust", "--username=tests", "--encoding=UTF8", "--no-sync", f"--pgdata={self._data}"
        )
        self.go_on()

    def go_on(self) -> None:
        """Starts with the data that it has, such as after ``stop``."""
        self._process = subprocess.Popen(
            [
                self._programs / "postgres",
                *("-D", self._data, "-p", str(self.port)),
                # No socket file: the path to its folder may be too long.
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "fsync=off", "-c", "shared_buffers=16MB"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **self._user,
        )
        wait_until(self._is_ready, "the start of PostgreSQL")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # disconnects its clients, then stops
            self._process.wait(PATIENCE)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments], check=True, capture_output=True, cwd=self._folder, **self._user
        )

    def _is_ready(self) -> bool:
        return accepts(self.port) and not subprocess.call(
            [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        )


def postgresql_programs() -> Path | None:
    found = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found is None and not versions:
        return None
    return Path(found).resolve().parent if found else versions[-1].parent


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    _need_library("psycopg")
    programs = postgresql_programs() or missing("PostgreSQL's initdb")
    # Not in pytest's own folder, because only its owner may enter that.
    with tempfile.TemporaryDirectory(prefix="enrollment-errors-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(programs, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


class MariaDBServer:
    """The user ``root`` may do everything without a password."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.settings = {
            "ENGINE": "django.db.backends.mysql",
            "USER": "root",
            "HOST": "127.0.0.1",
            "PORT": self.port,
        }
        self._program = program
        self._folder = folder
        # MariaDB runs as root only if it is told to.
        self._as_root = ["--user=root"] if os.geteuid() == 0 else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        install = shutil.which("mariadb-install-db") or missing("mariadb-install-db")
        data = f"--datadir={self._folder / 'data'}"
        subprocess.run(
            [install, "--no-defaults", *self._as_root, data, "--auth-root-authentication-method=normal"],
            check=True,
            capture_output=True,
        )
        self._process = subprocess.Popen(
            [
                *(self._program, "--no-defaults", *self._as_root, data, f"--port={self.port}"),
                # Relative to the data folder: a socket's path may be no longer than about a hundred characters.
                *("--bind-address=127.0.0.1", "--socket=s"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: accepts(self.port), "the start of MariaDB")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    _need_library("pymysql")
    # Debian installs it in a folder that is only on root's path.
    program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin") or missing("mariadbd")
    with tempfile.TemporaryDirectory(prefix="enrollment-errors-", ignore_cleanup_errors=True) as folder:
        server = MariaDBServer(program, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
