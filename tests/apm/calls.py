"""The calls of a traced process: a rider's lookup and link, and one call of the site's own."""

from __future__ import annotations

import json
import sys
from typing import Any

import requests

from enrollment_errors.clock import Deadline
from enrollment_errors.secret import Secret
from enrollment_errors.transport import Limits, ProcessorHttp
from tests.transport.upstream import Upstream

CARD_TOKEN = "card-token-8a41c9"
ACCESS_TOKEN = "access-token-77d0e2"
FUNDING_SOURCE = "funding-source-19f3ab"
SITES_OWN = "of-the-site-itself"

_LIMITS: dict[str, Any] = {
    "connect_timeout": 2,
    "read_timeout": 3,
    "attempts": 1,
    "max_calls": 6,
    "max_calls_wait": 0.1,
    "breaker_failures": 5,
    "breaker_window": 30,
    "breaker_open": 10,
    "cache": "default",
}


def make() -> list[dict[str, Any]]:
    """Makes the calls and returns what the processor received, because tracing must not change it."""
    with Upstream() as processor, Upstream() as elsewhere:
        http = ProcessorHttp("mountain", processor.url, deadline=Deadline(20), limits=Limits(**_LIMITS))
        headers = {"Authorization": Secret(ACCESS_TOKEN)}
        http.request(
            "GET",
            "fundingsources/bytoken/{card_token}",
            path={"card_token": Secret(CARD_TOKEN)},
            query={"again": Secret(CARD_TOKEN)},
            headers=headers,
            idempotent=True,
        )
        http.request(
            "POST",
            "concession_groups/{group_id}/fundingsources",
            path={"group_id": "seniors"},
            json={"id": Secret(FUNDING_SOURCE)},
            headers=headers,
            idempotent=False,
        )
        requests.get(f"{elsewhere.url}/{SITES_OWN}", timeout=5)
        return [
            {"line": received.line, "headers": received.headers, "body": received.body.decode()}
            for received in processor.requests
        ]


def tell(received: list[dict[str, Any]], recorded: Any) -> None:
    """Prints, for the test, what the processor received and everything that the tool recorded, as text."""
    sys.stdout.write(json.dumps({"received": received, "recorded": json.dumps(recorded, default=repr)}))
    sys.stdout.flush()
