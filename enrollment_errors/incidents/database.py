"""Writes the gathered ends of enrollments to the database: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, router, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from ..journal import get_journal
from .models import DIMENSIONS, DayCount, Ending, Incident, MinuteCount

Facts = Mapping[str, Any]
"""All fields of an ``Incident``, by name."""


@dataclass
class Count:
    first_at: datetime
    last_at: datetime
    count: int = 0
    unlisted: int = 0


Counts = dict[tuple[Any, ...], Count]
"""The keys are the minute, followed by the values of ``DIMENSIONS``."""


def key_of(facts: Facts) -> tuple[Any, ...]:
    return (facts["at"].replace(second=0, microsecond=0), *(facts[name] for name in DIMENSIONS))


def add_to(counts: Counts, facts: Facts, *, most: int | None = None) -> bool:
    """Counts one more of that kind. Returns ``False`` if that needs a new count, and there are ``most`` already."""
    key, at = key_of(facts), facts["at"]
    if key not in counts and most is not None and len(counts) >= most:
        return False
    count = counts.setdefault(key, Count(first_at=at, last_at=at))
    count.count += 1
    count.last_at = at
    return True


def store(incidents: Iterable[Facts], counts: Counts, kept: Sequence[tuple[Facts, str]] = ()) -> None:
    """``kept`` are successes, with the journal's names for their links. Each is counted only if the journal still
    keeps it; the journal then releases it. Raises what the database raises."""
    try:
        _insert(incidents, counts, kept)
    except IntegrityError:
        # If retention has just deleted an ending, the second try makes it again. If the database refuses the facts, it
        # refuses them again.
        _insert(incidents, counts, kept)


def _insert(incidents: Iterable[Facts], counts: Counts, kept: Sequence[tuple[Facts, str]]) -> None:
    alias = router.db_for_write(Incident)
    # Before the transaction: two processes that make the same endings, each in its own transaction, can deadlock.
    endings = _endings(_with(counts, [facts for facts, _ in kept]), alias)
    with transaction.atomic(using=alias):
        journal = get_journal()
        told = [facts for facts, kept_as in kept if journal.counted(facts["reference"], kept_as)]
        counts = _with(counts, told)
        MinuteCount.objects.using(alias).bulk_create(
            MinuteCount(ending=endings[key[1:]], count=count.count, unlisted=count.unlisted, last_at=count.last_at)
            for key, count in counts.items()
        )
        Incident.objects.using(alias).bulk_create(Incident(**facts) for facts in incidents)
        _add_to_days([(endings[key[1:]].pk, count) for key, count in counts.items()], alias)


def _with(counts: Counts, more: Iterable[Facts]) -> Counts:
    together = {key: replace(count) for key, count in counts.items()}
    for facts in more:
        add_to(together, facts)
    return together


def _add_to_days(counts: Iterable[tuple[int, Count]], alias: str) -> None:
    """Always in the same order, to avoid deadlocks: each row stays locked until the transaction ends."""
    days: dict[tuple[int, date], Count] = {}
    for ending, count in counts:
        day = days.setdefault((ending, DayCount.day_of(count.last_at)), Count(count.first_at, count.last_at))
        day.count += count.count
        day.unlisted += count.unlisted
        day.last_at = max(day.last_at, count.last_at)
    for (ending, on), day in sorted(days.items(), key=lambda item: item[0]):
        first = {"count": day.count, "unlisted": day.unlisted, "last_at": day.last_at}
        more = {
            "count": F("count") + day.count,
            "unlisted": F("unlisted") + day.unlisted,
            "last_at": Greatest("last_at", day.last_at),
        }
        rows = DayCount.objects.using(alias).filter(ending=ending, day=on)
        if not rows.update(**more):
            rows.update_or_create(ending_id=ending, day=on, defaults=more, create_defaults=first)


def _endings(counts: Counts, alias: str) -> dict[tuple[Any, ...], Ending]:
    """The endings, by the values of ``DIMENSIONS``. Makes those that are new, and moves ``first_at`` back if an older
    one arrives late."""
    came_first: dict[tuple[Any, ...], datetime] = {}
    for (_, *values), count in counts.items():
        dimensions = tuple(values)
        came_first[dimensions] = min(came_first.get(dimensions, count.first_at), count.first_at)
    keys = {dimensions: Ending.key_of(dimensions) for dimensions in came_first}
    endings = Ending.objects.using(alias)
    # Not with in_bulk: before 6.1, Django needs a connection for it that is open already, if the database is SQLite.
    known = {ending.key: ending for ending in endings.filter(key__in=list(keys.values()))}
    found = {}
    for dimensions, key in keys.items():
        first_at = came_first[dimensions]
        new = {**dict(zip(DIMENSIONS, dimensions, strict=True)), "first_at": first_at}
        found[dimensions] = known.get(key) or endings.get_or_create(key=key, defaults=new)[0]
        if first_at < found[dimensions].first_at:
            endings.filter(key=key, first_at__gt=first_at).update(first_at=first_at)
    return found
