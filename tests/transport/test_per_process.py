from __future__ import annotations

import os
import threading
from weakref import ref

import pytest

from enrollment_errors.processes import PerProcess


def test_an_item_is_made_once() -> None:
    items: PerProcess[object] = PerProcess()
    assert items.get("key", object) is items.get("key", object)
    assert items.get("key", object) is not items.get("other", object)


def test_an_item_that_is_false_is_kept() -> None:
    items: PerProcess[list[int]] = PerProcess()
    items.get("key", list).append(1)
    assert items.get("key", list) == [1]


def test_threads_that_make_it_at_once_get_the_same() -> None:
    items: PerProcess[object] = PerProcess()
    meeting = threading.Barrier(8, timeout=5)
    got: list[object] = []

    def make() -> object:
        meeting.wait()
        return object()

    threads = [threading.Thread(target=lambda: got.append(items.get("key", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


class Thing:
    pass


def test_what_was_made_before_a_fork_is_let_go_of_in_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    items: PerProcess[Thing] = PerProcess()
    parents = ref(items.get("key", Thing))
    monkeypatch.setattr(os, "getpid", lambda: 0)  # a child process is known only by this
    assert items.get("other", Thing) is items.get("other", Thing)
    assert parents() is None


def test_threads_that_ask_at_once_right_after_a_fork_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    items: PerProcess[object] = PerProcess()
    items.get("key", object)
    meeting = threading.Barrier(2, timeout=5)

    def find_out_together() -> int:
        meeting.wait()
        return 0

    monkeypatch.setattr(os, "getpid", find_out_together)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(items.get("key", object))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(got) == 2
    assert got[0] is got[1]


def test_a_forked_child_has_its_own() -> None:
    items: PerProcess[object] = PerProcess()
    parents = items.get("key", object)
    if (child := os.fork()) == 0:
        os._exit(items.get("key", object) is parents)
    assert os.waitpid(child, 0)[1] == 0
    assert items.get("key", object) is parents
