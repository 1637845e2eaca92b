"""With a tracing tool switched on, our calls are spans in its trace, and no span contains a secret.

Each tool wraps the HTTP libraries of a whole process, so each runs in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import pytest

from tests.docs.blocks import ROOT
from tests.servers import missing

from .calls import ACCESS_TOKEN, CARD_TOKEN, FUNDING_SOURCE, SITES_OWN

TOOLS = {
    "opentelemetry": "opentelemetry.instrumentation.urllib3",
    "elastic": "elasticapm",
    "ddtrace": "ddtrace",
    "newrelic": "newrelic",
}
LOOKUP = "/base/fundingsources/bytoken/{card_token}"
LINK = "/base/concession_groups/{group_id}/fundingsources"
# New Relic records only the method and the server of a call.
SPANS = {"newrelic": ["/urllib3/GET", "/urllib3/POST"]}


@dataclass
class Seen:
    """What the processor received, and what the tool recorded."""

    received: list[dict[str, str]]
    recorded: str


@cache
def watched(tool: str) -> Seen:
    if not is_installed(TOOLS[tool]):
        missing(f"the Python library {TOOLS[tool]}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.run(
        [sys.executable, "-m", f"tests.apm.{tool}_on"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert process.returncode == 0, process.stderr
    return Seen(**json.loads(process.stdout))


def is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_call_is_a_span_with_its_templated_route(tool: str) -> None:
    recorded = watched(tool).recorded
    for what in SPANS.get(tool, [LOOKUP, LINK]):
        assert what in recorded


def test_no_span_has_a_secret(tool: str) -> None:
    recorded = watched(tool).recorded
    assert [secret for secret in (CARD_TOKEN, ACCESS_TOKEN, FUNDING_SOURCE) if secret in recorded] == []


def test_what_the_site_itself_calls_is_recorded_as_ever(tool: str) -> None:
    assert SITES_OWN in watched(tool).recorded


def test_the_processor_gets_the_calls_as_they_are(tool: str) -> None:
    lookup, link = watched(tool).received
    assert lookup["line"] == f"GET /base/fundingsources/bytoken/{CARD_TOKEN}?again={CARD_TOKEN} HTTP/1.1"
    assert link["line"] == "POST /base/concession_groups/seniors/fundingsources HTTP/1.1"
    assert json.loads(link["body"]) == {"id": FUNDING_SOURCE}
    assert lookup["headers"]["authorization"] == link["headers"]["authorization"] == ACCESS_TOKEN


def test_the_processor_is_told_nothing_of_the_sites_trace(tool: str) -> None:
    ours = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "authorization"}
    for received in watched(tool).received:
        assert set(received["headers"]) <= ours
