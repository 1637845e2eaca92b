from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from enrollment_errors.sandbox.cards import TEST_CARDS

COMMAND = [sys.executable, "-m", "django", "enrollment_sandbox", "--settings", "tests.settings", "--pythonpath", "."]


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    arguments = ["--port", "0", "--control-port", "0", "--group", "group-mine"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def read_summary(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while not lines[-1].startswith("Ctrl-C"):
        lines.append(process.stdout.readline())
        assert lines[-1], "it ended before it had said everything"
    return "".join(lines)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_to_use_it_serves_and_ends_cleanly(running: subprocess.Popen[str], ending: signal.Signals) -> None:
    summary = read_summary(running)
    url = summary.split()[4]
    assert f'"BASE_URL": "{url}"' in summary
    assert all(card.name in summary for card in TEST_CARDS)
    assert list(requests.get(f"{url}/sandbox/state", timeout=5).json()["groups"]) == ["group-mine"]
    running.send_signal(ending)
    out, err = running.communicate(timeout=10)
    assert (running.returncode, out, err) == (0, "The sandbox has ended.\n", "")


def test_it_refuses_to_be_reached_from_other_machines() -> None:
    refused = subprocess.run([*COMMAND, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert "0.0.0.0 is not a loopback address" in refused.stderr
    assert "--allow-remote" in refused.stderr
