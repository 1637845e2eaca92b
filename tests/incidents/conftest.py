from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from django.conf import LazySettings

from enrollment_errors import conf
from enrollment_errors.incidents.buffer import IncidentSender, on_demand
from enrollment_errors.incidents.database import Count, store
from enrollment_errors.incidents.models import DIMENSIONS
from tests.rider import Rider

AT = datetime(2026, 11, 21, 22, 5, 30, tzinfo=timezone.utc)


def facts(**changes: Any) -> dict[str, Any]:
    """The facts of a link that the processor answered with 503, unless ``changes`` say something else."""
    return {
        "reference": "H7P-2QX-9MR",
        "at": AT,
        "outcome": "system_error",
        "processor": "littlepay",
        "account": "mountain-account",
        "agency": "mountain",
        "flow": "senior",
        "method": "self_service",
        "stage": "link",
        "code": "processor_error",
        "upstream_status": 503,
        "route": "POST api/v1/concession_groups/{group_id}/fundingsources",
        "exception": "StatusError",
        "seconds": 0.75,
        "side": "backend",
        "release": "2026.11.1",
        "sentry_event_id": "",
        **changes,
    }


def success(**changes: Any) -> dict[str, Any]:
    return facts(**{"outcome": "success", "code": "linked", "upstream_status": None, "exception": "", **changes})


def ended(number: int = 1, *, at: datetime = AT, unlisted: int = 0, **changes: Any) -> None:
    """Counts that many enrollments at that moment, with ``facts`` or, if the outcome is a success, ``success``."""
    known = success(**changes) if changes.get("outcome") == "success" else facts(**changes)
    store([], {(at, *(known[name] for name in DIMENSIONS)): Count(at, at, number, unlisted)})


@pytest.fixture
def keeping(settings: LazySettings) -> None:
    """The site keeps incidents."""
    settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "SINKS": conf.DEFAULT_SINKS}


@pytest.fixture
def incidents(keeping: None, db: None) -> Iterator[IncidentSender]:
    """Writes what happens to riders only when the test calls ``flush``."""
    with on_demand() as sender:
        yield sender


@pytest.fixture
def rider(site: Any, incidents: IncidentSender) -> Rider:
    return Rider().becomes_eligible()
