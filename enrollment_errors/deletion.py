"""Taking rows out of tables that may have grown for years, few at a time."""

from __future__ import annotations

from typing import Any

from django.db import models, router

AT_ONCE = 500
"""Rows that one statement touches: it locks few of them, and every database takes that many parameters."""


def delete(model: type[models.Model], **condition: Any) -> int:
    """Deletes the rows that fulfill the condition. Returns how many."""
    found = rows(model).filter(**condition).order_by("pk")
    deleted = 0
    while some := list(found.values_list("pk", flat=True)[:AT_ONCE]):
        rows(model).filter(pk__in=some).delete()
        deleted += len(some)
    return deleted


def rows(model: type[models.Model]) -> models.QuerySet[Any]:
    """Of the database that they are written to."""
    found: models.QuerySet[Any] = model._default_manager.using(router.db_for_write(model))
    return found
