"""The replay of ninety days has the results in docs/measurements.md. The other measurements depend on the machine."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from .blocks import ROOT

pytestmark = pytest.mark.ci_only

INCIDENTS = "## Who notices an incident first"


def rows_of(page: str) -> list[list[str]]:
    section = page.partition(INCIDENTS)[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    assert rows
    return rows


def test_the_replay_is_the_one_that_the_page_shows() -> None:
    replay = subprocess.run(
        [sys.executable, "-m", "bench", "replay"], cwd=ROOT, check=True, capture_output=True, text=True
    )

    page = rows_of((ROOT / "docs/measurements.md").read_text())
    printed = [re.split(r" {2,}", line) for line in replay.stdout.splitlines()]
    assert [row for row in printed if len(row) == len(page[0]) and not row[0].startswith("-")] == page
    assert "Alerts outside of incidents: 0." in " ".join(replay.stdout.split())
