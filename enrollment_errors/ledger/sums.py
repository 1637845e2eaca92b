"""Counts enrollments by month or day, agency and flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils.dateformat import format as format_date

from ..adapter import Method
from .models import Entry


class Period(str, Enum):
    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True, kw_only=True)
class Sum:
    """``start`` is the first day of the period. Of the ``enrollments``, ``in_person`` were made in person, and
    ``renewals`` renewed a link that existed before."""

    start: date
    period: Period
    agency: str
    flow: str
    enrollments: int
    in_person: int
    renewals: int

    @property
    def name(self) -> str:
        """In ISO 8601, which sorts and needs no translation: ``2026-11``, ``2026-11-21``."""
        return format_date(self.start, "Y-m" if self.period is Period.MONTH else "Y-m-d")


HEAD = ("agency", "flow", "enrollments", "in person", "renewals")
"""The headings of the columns after the period's."""


def cells(one: Sum) -> tuple[str, str, str, int, int, int]:
    return one.name, one.agency, one.flow, one.enrollments, one.in_person, one.renewals


def sums(
    period: Period, *, since: date | None = None, until: date | None = None, agency: str = "", flow: str = ""
) -> list[Sum]:
    """The newest period first. ``since`` and ``until`` are days in the site's time zone, both included."""
    wanted = {"day__gte": since, "day__lte": until, "agency": agency, "flow": flow}
    entries = Entry.objects.filter(**{lookup: value for lookup, value in wanted.items() if value})
    counted: QuerySet[Entry, dict[str, Any]] = (
        entries.annotate(start=TruncMonth("day") if period is Period.MONTH else F("day"))
        .values("start", "agency", "flow")
        .annotate(
            enrollments=Count("pk"),
            in_person=Count("pk", filter=Q(method=Method.IN_PERSON.value)),
            renewals=Count("pk", filter=Q(code="renewed")),
        )
        .order_by("-start", "agency", "flow")
    )
    return [Sum(period=period, **row) for row in counted]


def total(found: Sequence[Sum]) -> tuple[int, int, int]:
    """The totals of enrollments, of those in person, and of renewals."""
    return (
        sum(one.enrollments for one in found),
        sum(one.in_person for one in found),
        sum(one.renewals for one in found),
    )


def known_values(name: str) -> list[str]:
    """All values of ``name`` in the ledger, which is ``agency`` or ``flow``."""
    return list(Entry.objects.order_by(name).values_list(name, flat=True).distinct())
