"""One word where the watch finds something, and one where it is over: to the log and to Sentry."""

from __future__ import annotations

import logging
from datetime import timedelta

from ..doctor.diagnoses import diagnosed
from ..reporting.sentry import announce
from .models import Watched

logger = logging.getLogger("enrollment_errors")


def began(found: Watched) -> None:
    diagnosis = diagnosed(found.diagnosis)
    trouble = "does not work" if found.is_failure else "needs your attention"
    text = (
        f"Enrollment with {_place(found)} {trouble} ({found.diagnosis}). {diagnosis.cause} {diagnosis.action} "
        f"Found: {found.detail}"
    )
    logger.log(logging.ERROR if found.is_failure else logging.WARNING, text, extra=_facts(found, found.diagnosis))
    announce(
        text,
        level="error" if found.is_failure else "warning",
        tags=_tags(found, found.diagnosis),
        fingerprint=["enrollment_errors", "watch", found.account, found.group_id, found.diagnosis],
    )


def over(found: Watched, diagnosis: str, lasted: timedelta) -> None:
    """``found`` is how it is now."""
    minutes = round(lasted.total_seconds() / 60)
    text = f"Enrollment with {_place(found)} works again, after {minutes} minutes ({diagnosis})."
    logger.info(text, extra={**_facts(found, diagnosis), "seconds": lasted.total_seconds()})
    fingerprint = ["enrollment_errors", "watch", found.account, found.group_id, "over"]
    announce(text, level="info", tags=_tags(found, diagnosis), fingerprint=fingerprint)


def _place(found: Watched) -> str:
    agencies = f" ({found.agencies})" if found.agencies else ""
    group = f", group {found.group_id}" if found.group_id else ""
    return f"the account {found.account}{agencies}{group}"


def _facts(found: Watched, diagnosis: str) -> dict[str, str]:
    return {"account": found.account, "group": found.group_id, "diagnosis": diagnosis}


def _tags(found: Watched, diagnosis: str) -> dict[str, str]:
    return {"enrollment.account": found.account, "enrollment.diagnosis": diagnosis, "side": "backend", "type": "watch"}
