"""For every test: a state without traces of earlier tests, and a network that ends at this machine."""

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
    """Gives each test process, and what it starts, a folder of its own, so that they do not share host locks."""
    tmp_path_factory.getbasetemp()  # first, so that it stays in its usual place after the run
    multiprocessing.util.get_temp_dir()  # first, because it must last until the process ends
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        os.chmod(folder, 0o711)  # PostgreSQL enters it as another user
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that tries to reach another machine fails, instead of depending on someone's server."""
    connect = socket.socket.connect

    def connect_to_loopback(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_to_loopback)


@pytest.fixture(autouse=True)
def no_journal() -> Iterator[None]:
    """A journal needs the database, so a test that keeps one must turn it on."""
    before = use_journal(Journal())
    yield
    use_journal(before)
