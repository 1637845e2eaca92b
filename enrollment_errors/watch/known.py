"""Switches and findings for riders' requests: the processes that share a cache read the database once in ten seconds.

While the database is down, the last answer counts for at least a day. In each process, a thread reads, so a request
waits at most ``WAIT`` for a database that hangs.
"""

from __future__ import annotations

import contextvars
import threading
from contextlib import suppress
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Q
from django.utils.timezone import now

from .. import conf
from ..clock import SYSTEM_CLOCK
from ..glance import Glance
from ..processes import PerProcess
from ..shared_cache import LONGEST, CacheDown, SharedCache, is_recent
from .models import Switch, Watched

FRESH = 10.0
"""Seconds for which a reading counts. After ``forget``, every process that shares the cache reads again."""
WAIT = 0.5
"""Maximum seconds that a request waits for the thread that reads."""
THREAD_NAME = "enrollment-errors-watch"

_KEY = "watch.known"
_NOTHING: dict[str, Any] = {"switches": [], "findings": []}


def known(glance: Glance | None = None) -> dict[str, Any]:
    """``{"switches": […], "findings": […]}``: the rows that may apply now or later, as dicts. ``glance`` reads the
    cache for a rider's request.

    Raises ``RuntimeError`` if the process cannot start a thread.
    """
    kept = None
    with suppress(CacheDown):
        kept = (glance or _cache()).get(_KEY)
    if kept is not None and is_recent(kept["read_at"], FRESH, SYSTEM_CLOCK.time()):
        return dict(kept)
    if connections[router.db_for_read(Switch)].in_atomic_block:
        return _refreshed(kept)  # the database has just answered this request
    return _readings.get("reading", _Reading).result(kept) or kept or _NOTHING


class _Reading:
    """The only reading of this process at a time. It may hang as long as the database does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waits_until = 0.0
        self._found: dict[str, Any] | None = None

    def result(self, kept: dict[str, Any] | None) -> dict[str, Any] | None:
        """The result of a reading that this or another request started; ``None`` if it takes longer than ``WAIT``."""
        with self._lock:
            thread = self._thread
            if thread is None or not thread.is_alive():
                # In an empty context: Sentry must not take the thread for part of the request that starts it.
                run = contextvars.Context().run
                thread = threading.Thread(target=run, args=(self._read, kept), name=THREAD_NAME, daemon=True)
                thread.start()
                self._thread, self._waits_until = thread, SYSTEM_CLOCK.monotonic() + WAIT
        thread.join(max(0.0, self._waits_until - SYSTEM_CLOCK.monotonic()))
        return None if thread.is_alive() else self._found

    def _read(self, kept: dict[str, Any] | None) -> None:
        try:
            self._found = _refreshed(kept)
        finally:
            connections.close_all()


_readings: PerProcess[_Reading] = PerProcess()


def _refreshed(kept: dict[str, Any] | None) -> dict[str, Any]:
    try:
        found = _read()
    except Exception:  # noqa: BLE001  a database may raise anything, and riders' pages do not depend on it
        found = kept or _NOTHING
    with suppress(CacheDown):
        _cache().set(_KEY, {**found, "read_at": SYSTEM_CLOCK.time()}, LONGEST)
    return found


def forget(**kwargs: Any) -> None:
    """Call it after a change. It is also a receiver of Django's signals."""
    with suppress(CacheDown):
        _cache().delete(_KEY)


def _read() -> dict[str, Any]:
    switches = _rows(Switch).filter(Q(ends=None) | Q(ends__gt=now())).order_by("-set_at", "-pk")
    findings = _rows(Watched).filter(is_failure=True).order_by("group_id")
    # A failed query must not break the transaction of the site's own page.
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
