"""Restarts transactions if the database asks for it: two waited for each other's rows, and it rolled one back.

MariaDB and MySQL find deadlocks that PostgreSQL never has, because they also lock the gaps between rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, router, transaction

from ..clock import SYSTEM_CLOCK
from .models import SentLink

T = TypeVar("T")

TRIES = 5
PAUSE = 0.05
"""Maximum seconds to wait after the first try; more after each, so the same two do not meet again."""
_MYSQL_DEADLOCK = 1213
_STANDARD_ROLLBACKS = ("40001", "40P01")
"""SQLSTATE of a serialization failure, and PostgreSQL's for a deadlock."""


def database() -> str:
    return router.db_for_write(SentLink)


def committed(body: Callable[[], T]) -> T:
    """Run ``body`` in one transaction and return its result. It must only use the database: it may run more than once.

    Raises the database's exceptions; a deadlock only after ``TRIES`` times, or inside the caller's transaction."""
    tries = 0
    while True:
        tries += 1
        try:
            with transaction.atomic(using=database()):
                return body()
        except OperationalError as error:
            if tries == TRIES or not _is_deadlock(error) or connections[database()].in_atomic_block:
                raise
        SYSTEM_CLOCK.sleep(tries * PAUSE * SYSTEM_CLOCK.random())


def _is_deadlock(error: OperationalError) -> bool:
    return error.args[:1] == (_MYSQL_DEADLOCK,) or getattr(error.__cause__, "sqlstate", "") in _STANDARD_ROLLBACKS
