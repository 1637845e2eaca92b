"""What the database says, as riders' requests need it: read once in ten seconds for all of them.

While the database is down, what it said last goes on for a day; nothing hangs on it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db import models, router, transaction
from django.db.models import Q
from django.utils.timezone import now

from .. import conf
from ..clock import SYSTEM_CLOCK
from ..shared_cache import LONGEST, CacheDown, SharedCache, is_recent
from .models import Switch, Watched

FRESH = 10.0
"""Seconds. ``forget`` makes a change known at once to all who share the cache."""

_KEY = "watch.known"
_NOTHING: dict[str, Any] = {"switches": [], "findings": []}


def known() -> dict[str, Any]:
    """``{"switches": […], "findings": […]}``: of the models the rows that may hold now or later, as dicts. Never
    raises."""
    kept, at = None, SYSTEM_CLOCK.time()
    with suppress(CacheDown):
        kept = _cache().get(_KEY)
    if kept is not None and is_recent(kept["read_at"], FRESH, at):
        return dict(kept)
    try:
        found = _read()
    except Exception:  # noqa: BLE001  whatever a database raises: the rider's page does not depend on it
        found = kept or _NOTHING
    with suppress(CacheDown):
        _cache().set(_KEY, {**found, "read_at": at}, LONGEST)
    return found


def forget(**kwargs: Any) -> None:
    """Something has changed. Also a receiver of Django's signals."""
    with suppress(CacheDown):
        _cache().delete(_KEY)


def _read() -> dict[str, Any]:
    switches = _rows(Switch).filter(Q(ends=None) | Q(ends__gt=now())).order_by("-set_at", "-pk")
    findings = _rows(Watched).filter(is_failure=True).order_by("group_id")
    # A query that fails must not spoil the transaction of the site's own page.
    with transaction.atomic(using=switches.db):
        return {
            "switches": list(switches.values("account", "agency", "position", "begins", "ends", "messages", "set_by")),
            "findings": list(findings.values("account", "group_id", "diagnosis", "since", "checked_at")),
        }


def _rows(model: type[models.Model]) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = model._default_manager.using(router.db_for_read(model))
    return rows


def _cache() -> SharedCache:
    return SharedCache(conf.get_settings().CACHE)
