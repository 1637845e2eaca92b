"""Sends one alert when the watch finds a problem, and one when the problem is over."""

from __future__ import annotations

from datetime import timedelta

from ..doctor.diagnoses import diagnosed
from ..reporting import alerts
from .models import Watched


def began(found: Watched) -> None:
    diagnosis = diagnosed(found.diagnosis)
    alerts.found(
        found.account,
        _place(found),
        found.diagnosis,
        f"{diagnosis.cause} {diagnosis.action} Found: {found.detail}",
        group_id=found.group_id,
        is_failure=found.is_failure,
    )


def over(found: Watched, diagnosis: str, lasted: timedelta) -> None:
    """``found`` is the state now, and ``diagnosis`` the problem that is over."""
    alerts.works(found.account, _place(found), diagnosis, group_id=found.group_id, lasted=lasted.total_seconds())


def _place(found: Watched) -> str:
    agencies = f" ({found.agencies})" if found.agencies else ""
    group = f", group {found.group_id}" if found.group_id else ""
    return f"the account {found.account}{agencies}{group}"
