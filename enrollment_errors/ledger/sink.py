"""The ledger: one row for each success, written before the rider sees it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.db import router
from django.db.models import CharField

from .. import conf
from ..outcomes import Outcome
from ..reporting.report import Report
from ..reporting.sentry import announce
from ..reporting.sink import Sink
from .database import Facts, sender, store
from .models import Entry

logger = logging.getLogger("enrollment_errors")


class LedgerSink(Sink):
    """Writes within the rider's request, because agencies base their reports on these rows: they must survive if the
    worker is killed a moment later. If the database fails, operators are told and the row waits, but the rider is
    still enrolled."""

    def send(self, report: Report) -> None:
        """Does nothing if the report is not a success."""
        if report.outcome is not Outcome.SUCCESS or report.enrollment is None:
            return
        facts = _facts(report)
        try:
            # Without incidents, the journal waits for the ledger.
            store([facts], kept_as="" if conf.INCIDENT_SINK in conf.get_settings().SINKS else report.kept_as)
        except Exception as error:  # noqa: BLE001  a database's driver may raise anything
            sender().put(facts)
            _tell(facts, type(error).__name__)


def write(report: Report, *, also_known_as: Collection[str]) -> str | None:
    """Writes a success in the caller's transaction. If it is reported again later, it stays one row. If the same link
    already has a row under one of the other references in ``also_known_as``, writes nothing and returns that
    reference. Raises what the database raises."""
    facts = _facts(report)
    others = set(also_known_as) - {report.reference}
    same = Entry.objects.using(router.db_for_write(Entry)).filter(
        reference__in=others, account=facts["account"], group_id=facts["group_id"]
    )
    before: str | None = same.values_list("reference", flat=True).first()
    if before is None:
        store([facts])
    return before


def _facts(report: Report) -> Facts:
    enrollment = report.enrollment
    assert enrollment is not None
    facts: dict[str, Any] = {
        "reference": report.reference,
        "agency": enrollment.agency.slug,
        "flow": enrollment.flow,
        "method": enrollment.method.value,
        "verified_by": report.verified_by,
        "account": enrollment.account,
        "group_id": enrollment.group_id,
        "code": report.code,
    }
    return {
        **{name: _fitting(name, text) for name, text in facts.items()},
        "at": report.at,
        "day": Entry.day_of(report.at),
        "expires_at": report.expires_at,
    }


def _fitting(name: str, text: str) -> str:
    """``text``, cut to the length of its column: the site provides it, and the database would refuse a longer one."""
    column = Entry._meta.get_field(name)
    assert isinstance(column, CharField)
    return text[: column.max_length]


def _tell(facts: Facts, why: str) -> None:
    """Reports the failure, and logs the whole row, in case this process dies before it is written. The error's own
    text is left out, because it may contain addresses and values."""
    text = f"The ledger could not be written ({why}). The entry for {facts['reference']} waits."
    # The prefix keeps the names apart from the attributes of LogRecord and from a structured log's own keys.
    logger.error(text, extra={f"ledger_{name}": str(value) for name, value in facts.items()})
    announce(
        f"The ledger could not be written ({why}).",
        level="error",
        tags={"enrollment.reference": facts["reference"], "side": "backend", "type": "error"},
        fingerprint=["enrollment_errors", "ledger", why],
    )
