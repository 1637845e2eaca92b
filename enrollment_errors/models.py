"""No table: one name, for Django to hang a permission on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    _Manager = models.Manager["InPersonEnrollment"]
    _None = models.QuerySet["InPersonEnrollment"]
else:
    _Manager = models.Manager


class _NoTable(_Manager):
    """Asks no database, so that ``dumpdata`` does not miss a table."""

    def get_queryset(self) -> _None:
        nothing: _None = super().get_queryset().none()
        return nothing


class InPersonEnrollment(models.Model):  # noqa: DJ008  there never is one
    """Carries the permission to enroll riders in person, and keeps nothing.

    A permission that ``post_migrate`` made by itself would belong to no model: ``remove_stale_contenttypes`` would take
    it away again, from all staff that have it.
    """

    objects = _NoTable()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ()
        permissions = (("enroll_in_person", "Can enroll riders in person"),)
        verbose_name = "in-person enrollment"
