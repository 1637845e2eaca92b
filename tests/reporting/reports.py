from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from enrollment_errors.adapter import Enrollment, Identity
from enrollment_errors.exceptions import StatusError
from enrollment_errors.outcomes import Outcome, Side, Stage
from enrollment_errors.reporting.report import Event, Origin, Report
from enrollment_errors.secret import Secret
from tests.site import AGENCY

IDENTITY = Identity(user_id="user-6fd1", device_id="device-0c1e", session_id=1_795_300_000_123)


def new_enrollment(**changes: Any) -> Enrollment:
    facts: dict[str, Any] = {
        "agency": AGENCY,
        "account": "littlepay-mountain",
        "group_id": "group-seniors",
        "flow": "senior",
        "verifier": "login.gov",
    }
    return Enrollment(**{**facts, **changes})


def new_origin(**changes: Any) -> Origin:
    facts: dict[str, Any] = {"path": "/enrollment/", "language": "es", "identity": IDENTITY}
    return Origin(**{**facts, **changes})


def new_report(**changes: Any) -> Report:
    """By default, the processor answered 503 to the link."""
    facts: dict[str, Any] = {
        "event": Event.RETURNED_ENROLLMENT,
        "reference": "H7P-2QX-9MR",
        "at": datetime(2026, 11, 21, 22, 5, 30, 250_000, tzinfo=timezone.utc),
        "origin": new_origin(),
        "enrollment": new_enrollment(),
        "processor": "littlepay",
        "side": Side.BACKEND,
        "status": "error",
        "outcome": Outcome.SYSTEM_ERROR,
        "code": "processor_error",
        "stage": Stage.LINK,
        "upstream_status": 503,
        "route": "POST api/v1/concession_groups/{group_id}/fundingsources",
        "seconds": 0.75,
        "error": StatusError(503, Secret("<html>Service Unavailable</html>")),
    }
    return Report(**{**facts, **changes})


def new_success(**changes: Any) -> Report:
    facts: dict[str, Any] = {
        "status": "success",
        "outcome": Outcome.SUCCESS,
        "code": "linked",
        "upstream_status": None,
        "route": None,
        "error": None,
        "card_scheme": "visa",
        "card_category": "debit",
    }
    return new_report(**{**facts, **changes})


def new_refusal(**changes: Any) -> Report:
    facts: dict[str, Any] = {
        "status": "error",
        "outcome": Outcome.TOO_EARLY,
        "code": "reenrollment_too_early",
        "upstream_status": None,
        "route": None,
        "error": None,
    }
    return new_report(**{**facts, **changes})
