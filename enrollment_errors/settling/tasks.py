"""The sweep as a task for Django's Tasks framework. Import this only with Django 6.0 or later."""

from __future__ import annotations

from django.tasks import task

from .sweep import sweep


@task
def settle_enrollments() -> dict[str, int]:
    """The number of rows by result: ``{"linked": 2, "waiting": 1}``."""
    return {str(end): count for end, count in sweep().items()}
