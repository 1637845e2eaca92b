"""The lock between processes that have no cache in common."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from enrollment_errors.processes import host_lock

from .fleet import BACKENDS, Fleet, Job, hold_lock, lock_after_a_fork

CONFIG: dict[str, Any] = {"CACHES": {"default": {"BACKEND": BACKENDS["locmem"]}}, "DATABASES": {}}


def results(processes: int, job: Job) -> list[Any]:
    with Fleet(processes, job, CONFIG) as fleet:
        fleet.go()
        return fleet.results()


def test_one_process_of_several_gets_it() -> None:
    assert sorted(results(3, hold_lock)) == [False, False, True]


def test_one_that_was_killed_leaves_it_to_the_next() -> None:
    assert results(1, hold_lock) == [True]
    assert results(1, hold_lock) == [True]


def test_a_child_that_was_forked_meanwhile_does_not_keep_it() -> None:
    assert results(1, lock_after_a_fork) == [True]


def test_it_is_free_again_after_its_block_however_that_ends() -> None:
    with pytest.raises(KeyError), host_lock("lock"):
        raise KeyError
    with host_lock("lock") as is_ours:
        assert is_ours
        with host_lock("lock") as is_ours_too:
            assert not is_ours_too
        with host_lock("lock") as is_ours_too:
            assert not is_ours_too


def test_names_and_sites_have_locks_of_their_own() -> None:
    with host_lock("lock"):
        with host_lock("another") as is_ours:
            assert is_ours
        with override_settings(SECRET_KEY="another site's"), host_lock("lock") as is_ours:
            assert is_ours


def test_nobody_else_may_open_its_file_and_the_file_tells_nothing() -> None:
    with host_lock("account"):
        files = list(Path(tempfile.gettempdir()).glob("enrollment_errors-*.lock"))
    assert files
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "account" not in file.name
        assert file.read_bytes() == b""


def test_without_a_place_for_its_file_everybody_gets_it_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with host_lock("lock") as is_ours, host_lock("lock") as is_ours_too:
        assert is_ours
        assert is_ours_too
    assert caplog.messages == 2 * [
        "The processes of this host cannot share a lock (No such file or directory), so each goes ahead on its own."
    ]
