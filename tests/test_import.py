"""Importing the package changes nothing in the process. What has to change does so once Django has started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

# The script first imports what any site's process has anyway, so that it sees only what our import adds.
LOOK = """
import importlib, json, logging
import django, requests, sentry_sdk, urllib3
from sentry_sdk.transport import Transport

class Kept(Transport):
    events = []
    def capture_envelope(self, envelope):
        self.events.append(envelope.get_event())

sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Kept, auto_enabling_integrations=False)

def loggers():
    there = {name: logger for name, logger in logging.root.manager.loggerDict.items() if hasattr(logger, "filters")}
    return {
        name: [type(each).__module__ for each in logger.filters + logger.handlers]
        for name, logger in there.items()
        if logger.filters or logger.handlers
    }

def is_told_to_sentry():
    Kept.events.clear()
    logging.lastResort = None
    logging.getLogger("enrollment_errors").error("Something of ours.")
    return len(Kept.events) == 1
"""


def seen_in_a_fresh_process(script: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("library", ["amplitude", "django", "requests", "sentry_sdk", "urllib3"])
def test_a_secret_needs_no_library(library):
    script = f"import json, sys, enrollment_errors.secret; print(json.dumps({library!r} in sys.modules))"
    assert seen_in_a_fresh_process(script) is False


@pytest.mark.parametrize(
    "module",
    [
        "enrollment_errors",
        "enrollment_errors.apps",
        "enrollment_errors.transport.privacy",
        "enrollment_errors.reporting.sentry",
        "enrollment_errors.reporting.django_log",
    ],
)
def test_an_import_changes_no_logger_and_hides_none_from_sentry(module):
    before, after, told = seen_in_a_fresh_process(
        f"{LOOK}\nbefore = loggers()\nimportlib.import_module({module!r})\n"
        "print(json.dumps([before, loggers(), is_told_to_sentry()]))"
    )
    assert after == before
    assert told


def test_once_django_has_started_our_calls_and_our_log_are_kept_from_others():
    before, after, told = seen_in_a_fresh_process(
        f"{LOOK}\nbefore = loggers()\ndjango.setup()\nprint(json.dumps([before, loggers(), is_told_to_sentry()]))"
    )
    assert with_a_filter_of_ours(before) == set()
    assert with_a_filter_of_ours(after) >= {"urllib3.connectionpool", "urllib3.connection", "django.request"}
    assert not told


def with_a_filter_of_ours(loggers: dict[str, list[str]]) -> set[str]:
    return {name for name, modules in loggers.items() if any("enrollment_errors" in module for module in modules)}
