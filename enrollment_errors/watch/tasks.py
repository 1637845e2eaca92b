"""The watch as a task of Django's Tasks framework (from Django 6 on): enqueue it every ``WATCH_EVERY`` seconds."""

from __future__ import annotations

from django.tasks import task

from .watching import watch


@task
def watch_enrollment() -> int:
    """How many accounts and groups have something wrong with them."""
    return sum(bool(found.diagnosis) for found in watch())
