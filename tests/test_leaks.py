"""A test that leaves something behind fails by name, and the next test finds no trace of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ci_only
ROOT = Path(__file__).parents[1]
BEGINNING = """
import logging, os, signal, socket, sys, threading
import pytest, sentry_sdk
from django.conf import settings
from django.core.cache import cache, caches
from django.core.signals import request_started
from django.test import Client, override_settings
from django.urls import set_script_prefix, set_urlconf
from django.utils import timezone, translation
from enrollment_errors import conf
from enrollment_errors import shared_cache

def receiver(**kwargs):
    pass

class Filter(logging.Filter):
    pass
"""
LEFT = {
    "language de": 'translation.activate("de")',
    "time zone Asia/Tokyo": 'timezone.activate("Asia/Tokyo")',
    "settings <UserSettingsHolder>": "override_settings(DEBUG=True).enable()",
    "URLs tests.site": 'set_urlconf("tests.site")',
    "script prefix /elsewhere/": 'set_script_prefix("/elsewhere/")',
    "receiver receiver": "request_started.connect(receiver)",
    "logger enrollment_errors": 'logging.getLogger("enrollment_errors").setLevel(logging.DEBUG)',
    "logger enrollment_errors.x": 'logging.getLogger("enrollment_errors.x").addFilter(Filter())',
    "logger all": "logging.disable(logging.CRITICAL)",
    "Sentry's client": 'sentry_sdk.init("http://key@127.0.0.1:9/1")',
    "Sentry's tags": 'sentry_sdk.get_global_scope().set_tag("rider", "one")',
    "variable LEFT": 'os.environ["LEFT"] = "secret"',
    "variable HOME": 'del os.environ["HOME"]',
    "folder /": 'os.chdir("/")',
    "handler of SIGUSR1": "signal.signal(signal.SIGUSR1, lambda *args: None)",
    "sockets' timeout 5.0": "socket.setdefaulttimeout(5)",
}
FORGOTTEN = {
    "the language of a request": (
        'Client(headers={"accept-language": "es"}).get("/")',
        'translation.get_language() == "en"',
    ),
    "a cache's keys": ('cache.set("key", 1)', 'cache.get("key") is None'),
    "that the cache was down": (
        'shared_cache._healths.get("default", shared_cache._Health).is_down = True',
        'not shared_cache._healths.get("default", shared_cache._Health).is_down',
    ),
    "settings that were read": (
        "remembered.append(conf.get_settings())",
        "conf.get_settings() is not remembered[0]",
    ),
    "a scope of Sentry": (
        'sentry_sdk.get_isolation_scope().set_tag("rider", "one")',
        '"tags" not in sentry_sdk.get_isolation_scope().apply_to_event({}, {})',
    ),
}


def run(folder: Path, code: str) -> str:
    (folder / "test_inner.py").write_text(BEGINNING + code)
    plugins = ["tests.leaks", "tests.afresh", "no:randomly", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *(f"-p{plugin}" for plugin in plugins)]
    command += ["--ds=tests.settings", f"--rootdir={folder}", "-rA", "--tb=short", str(folder / "test_inner.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_whoever_leaves_something_behind_fails_by_name_and_nobody_else(tmp_path: Path) -> None:
    tests = [
        f"def test_{number}():\n    {code}\ndef test_after_{number}():\n    pass\n"
        for number, code in enumerate(LEFT.values())
    ]
    said = run(tmp_path, "\n".join(tests))
    told = dict(re.findall(r"^test_inner.py::(test_\d+) leaves behind: (.*)$", said, re.MULTILINE))
    assert told.keys() == {f"test_{number}" for number in range(len(LEFT))}, said
    for number, what in enumerate(LEFT):
        assert what in told[f"test_{number}"].split(", ")
    assert f"{2 * len(LEFT)} passed, {len(LEFT)} errors" in said


def test_a_thread_that_lives_on_fails_its_test(tmp_path: Path) -> None:
    code = """
from tests import leaks
leaks.THREADS_END = 0.01
def test_thread():
    threading.Thread(target=threading.Event().wait, args=(60,), name="left", daemon=True).start()
def test_after():
    pass
"""
    said = run(tmp_path, code)
    assert "test_inner.py::test_thread leaves behind: thread left" in said
    assert "2 passed, 1 error" in said


def test_what_a_process_keeps_is_forgotten(tmp_path: Path) -> None:
    tests = [
        f"def test_{number}():\n    {done}\ndef test_after_{number}():\n    assert {so}\n"
        for number, (done, so) in enumerate(FORGOTTEN.values())
    ]
    said = run(tmp_path, "\n".join(["remembered = []", *tests]))
    assert f"{2 * len(FORGOTTEN)} passed" in said, said
