"""What every test has: nothing of the test before, and a network that ends at this machine."""

from __future__ import annotations

import multiprocessing.util
import os
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from enrollment_errors.journal import Journal, use_journal

pytest_plugins = [
    "tests.leaks",
    "tests.afresh",
    "tests.servers",
    "tests.rider",
    "tests.switchio",
    "tests.packaging.distribution",
]


# mutmut runs the tests again and again in one process.
hypothesis_settings.register_profile(
    "mutation", suppress_health_check=[HealthCheck.differing_executors], derandomize=True, database=None
)


@pytest.fixture(autouse=True, scope="session")
def folder_for_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for each process that runs tests, and for what it starts: they must not meet in a lock of the host."""
    tmp_path_factory.getbasetemp()  # stays where it is, to be looked into after the run
    multiprocessing.util.get_temp_dir()  # is there until the process ends
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        os.chmod(folder, 0o711)  # PostgreSQL goes through it under another user
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would reach out of this machine fails, in place of depending on somebody's server."""
    connect = socket.socket.connect

    def connect_to_loopback(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_to_loopback)


@pytest.fixture(autouse=True)
def no_journal() -> Iterator[None]:
    """A test that keeps a journal, which needs the database, says so."""
    before = use_journal(Journal())
    yield
    use_journal(before)
