"""For every test: a state without traces of earlier tests, and a network that ends at this machine."""

from __future__ import annotations

import gc
import multiprocessing.util
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from enrollment_errors.journal import Journal, use_journal
from enrollment_errors.shared_cache import SharedCache

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


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this thread asks of the shared cache, in order."""
    # Calls that another test has abandoned end when they are collected, and that may be now.
    gc.collect()
    ours, operations = threading.get_ident(), []

    def counted(name: str) -> Any:
        original = getattr(SharedCache, name)

        def operation(self: SharedCache, *args: Any) -> Any:
            if threading.get_ident() == ours:
                operations.append(name)
            return original(self, *args)

        return operation

    for name in ("get", "get_many", "add", "set", "delete"):
        monkeypatch.setattr(SharedCache, name, counted(name))
    return operations
