"""Deletes rows in small batches from tables that may have grown for years."""

from __future__ import annotations

from typing import Any

from django.db import models, router

AT_ONCE = 500
"""Rows per statement: few enough to lock briefly, and every database accepts that many parameters."""


def delete(model: type[models.Model], **condition: Any) -> int:
    """Deletes the rows that match the condition. Returns their number."""
    found = rows(model).filter(**condition).order_by("pk")
    deleted = 0
    while some := list(found.values_list("pk", flat=True)[:AT_ONCE]):
        rows(model).filter(pk__in=some).delete()
        deleted += len(some)
    return deleted


def rows(model: type[models.Model]) -> models.QuerySet[Any]:
    """The model's rows, from the database that it is written to."""
    found: models.QuerySet[Any] = model._default_manager.using(router.db_for_write(model))
    return found
