"""The ledger: one row for each success that a rider was told of, written before the rider is told."""

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
    """Writes within the rider's request, because agencies report by these rows: a worker that is killed a moment
    later takes none with it. A database that fails is told of, and does the rider no harm: the row waits.
    """

    def send(self, report: Report) -> None:
        """Does nothing for what is no success."""
        if report.outcome is not Outcome.SUCCESS or report.enrollment is None:
            return
        facts = _facts(report)
        try:
            # Without incidents, this is what the journal waits for.
            store([facts], kept_as="" if conf.INCIDENT_SINK in conf.get_settings().SINKS else report.kept_as)
        except Exception as error:  # noqa: BLE001  whatever a database's driver may raise
            sender().put(facts)
            _tell(facts, type(error).__name__)


def write(report: Report, *, also_known_as: Collection[str]) -> str | None:
    """A success, in the caller's transaction. Raises what the database raises. It may be told of later: it stays one
    row. If the same link has a row under one of the other references that it is known as, nothing is written, and that
    reference is returned."""
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
    """One that comes from the site, no longer than its column: the database would refuse it."""
    column = Entry._meta.get_field(name)
    assert isinstance(column, CharField)
    return text[: column.max_length]


def _tell(facts: Facts, why: str) -> None:
    """With all that the row holds, should this process die before it is written. The error's own text is left out: it
    may hold addresses and values."""
    text = f"The ledger could not be written ({why}): the row of {facts['reference']} waits."
    # No key may be an attribute of LogRecord, or one that a structured log has of its own.
    logger.error(text, extra={f"ledger_{name}": str(value) for name, value in facts.items()})
    announce(
        f"The ledger could not be written ({why}).",
        level="error",
        tags={"enrollment.reference": facts["reference"], "side": "backend", "type": "error"},
        fingerprint=["enrollment_errors", "ledger", why],
    )
