"""How the Amplitude client behaves in real processes that fork and exit. Over real HTTP."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.sinks import TelemetrySink
from tests.waiting import wait_until

pytestmark = pytest.mark.ci_only
ROOT = Path(__file__).parents[2]
PREAMBLE = """
import os, sys, time
from django.conf import settings
from tests import settings as site
settings.configure(**{name: getattr(site, name) for name in dir(site) if name.isupper()} | {
    "ENROLLMENT_ERRORS": site.ENROLLMENT_ERRORS | {
        "AMPLITUDE_API_KEY": "tests-amplitude-key", "AMPLITUDE_SERVER_URL": sys.argv[1],
    }
})
import django
django.setup()
from enrollment_errors.reporting import background
from enrollment_errors.reporting.dispatch import dispatch
from tests.reporting.reports import new_report
"""


def run(script: str, sink: TelemetrySink) -> float:
    """Runs ``script`` in a process of its own, and writes a line to it once it has sent a request.

    Returns the seconds from the script's last output to its end.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script, sink.amplitude_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        wait_until(lambda: sink.calls or process.poll() is not None, "a request")
        with suppress(BrokenPipeError):
            print("sent", file=process.stdin, flush=True)
        last_word = process.stdout.readline()
        started = time.monotonic()
        process.communicate(timeout=60)
        assert (last_word, process.returncode) == ("done\n", 0)
        return time.monotonic() - started
    finally:
        process.kill()


def references(sink: TelemetrySink) -> list[str]:
    return sorted(event["event_properties"]["reference"] for event in sink.amplitude_events)


# Enough for any busy machine: these tests are not about how long a process waits before it exits.
PATIENT = "background.EXIT_SECONDS = 30\n"


class TestFork:
    def test_each_process_sends_its_own_events_once(self, sink: TelemetrySink) -> None:
        run(
            PATIENT
            + textwrap.dedent("""
            dispatch(new_report(reference="parent before"))
            if child := os.fork():
                dispatch(new_report(reference="parent after"))
                os.waitpid(child, 0)
                print("done", flush=True)
            else:
                dispatch(new_report(reference="child"))
            """),
            sink,
        )

        assert references(sink) == ["child", "parent after", "parent before"]

    def test_a_child_of_a_process_that_was_just_sending_sends_too(self, sink: TelemetrySink) -> None:
        sink.faults.set("amplitude", Fault(kind="delay", seconds=1, times=1))

        run(
            PATIENT
            + textwrap.dedent("""
            dispatch(new_report(reference="parent"))
            input()
            if child := os.fork():
                os.waitpid(child, 0)
                print("done", flush=True)
            else:
                dispatch(new_report(reference="child"))
            """),
            sink,
        )

        assert references(sink) == ["child", "parent"]


class TestExit:
    def test_sends_what_is_left(self, sink: TelemetrySink) -> None:
        run(PATIENT + 'dispatch(new_report()); print("done", flush=True)', sink)

        assert references(sink) == ["H7P-2QX-9MR"]

    @pytest.mark.parametrize("fault", [Fault(kind="hang"), Fault(kind="trickle", seconds=1)])
    def test_is_not_held_by_a_server_that_never_answers(self, sink: TelemetrySink, fault: Fault) -> None:
        sink.faults.set("amplitude", fault)

        seconds = run('dispatch(new_report()); input(); print("done", flush=True)', sink)

        # Two, plus time for a busy machine to start and end a process. The SDK alone takes ten.
        assert seconds < 8
