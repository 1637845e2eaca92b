"""The watch as a task for Django's Tasks framework (Django 6 and later). Enqueue it every ``WATCH_EVERY`` seconds."""

from __future__ import annotations

from django.tasks import task

from .watching import watch


@task
def watch_enrollment() -> int:
    """Returns how many accounts and groups have a problem."""
    return sum(bool(found.diagnosis) for found in watch())
