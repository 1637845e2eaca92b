"""No table: only a model that Django can attach a permission to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    _Manager = models.Manager["InPersonEnrollment"]
    _None = models.QuerySet["InPersonEnrollment"]
else:
    _Manager = models.Manager


class _NoTable(_Manager):
    """Queries no database, so that ``dumpdata`` does not look for the table."""

    def get_queryset(self) -> _None:
        nothing: _None = super().get_queryset().none()
        return nothing


class InPersonEnrollment(models.Model):  # noqa: DJ008  no instance ever exists
    """Carries the permission to enroll riders in person, and stores nothing.

    Without it, a permission created in ``post_migrate`` would belong to no model, and ``remove_stale_contenttypes``
    would remove it from all staff.
    """

    objects = _NoTable()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ()
        permissions = (("enroll_in_person", "Can enroll riders in person"),)
        verbose_name = "in-person enrollment"
