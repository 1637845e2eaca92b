"""The sweep as a task of Django's Tasks framework. Import this only with Django 6.0 or later, which has it."""

from __future__ import annotations

from django.tasks import task

from .sweep import sweep


@task
def settle_enrollments() -> dict[str, int]:
    """How many came to what: ``{"linked": 2, "waiting": 1}``."""
    return {str(end): count for end, count in sweep().items()}
