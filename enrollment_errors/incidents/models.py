"""What the app keeps about how enrollments ended. None of it identifies the rider."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.timezone import get_default_timezone, localdate
from django.utils.translation import gettext_lazy as _

if not apps.is_installed("enrollment_errors.incidents"):
    # Otherwise, Django would assign these models to the app that contains this folder.
    raise ImproperlyConfigured('"enrollment_errors.incidents" is not in INSTALLED_APPS')


class _End(models.Model):
    """How an enrollment ended: the fields that an incident and an ending share.

    ``processor`` is the processor's name (``littlepay``), ``account`` the site's name for the account, ``agency`` the
    agency's slug. ``upstream_status`` is the HTTP status of the processor's answer, if it answered.
    """

    outcome = models.CharField(_("outcome"), max_length=20)
    processor = models.CharField(_("processor"), max_length=60, blank=True)
    account = models.CharField(_("account"), max_length=100, blank=True)
    agency = models.CharField(_("agency"), max_length=100, blank=True)
    flow = models.CharField(_("flow"), max_length=100, blank=True)
    method = models.CharField(_("method"), max_length=20, blank=True)
    stage = models.CharField(_("step"), max_length=20, blank=True)
    code = models.CharField(_("code"), max_length=60)
    upstream_status = models.PositiveSmallIntegerField(_("upstream status"), null=True, blank=True)

    class Meta:
        abstract = True


class Incident(_End):
    """One failure, one expected refusal, or one success that an operator must check, under the rider's reference.

    ``route`` is the method and the templated path of the processor call that failed, ``exception`` the type of the
    exception. ``seconds`` is how long the rider's request took. ``verified_by`` is the id of the staff member who
    enrolled the rider in person; ``manage.py enrollment_verified_by`` says who that is.
    """

    reference = models.CharField(_("reference"), max_length=20, db_index=True)
    at = models.DateTimeField(_("time"))
    route = models.CharField(_("processor call"), max_length=200, blank=True)
    exception = models.CharField(_("exception"), max_length=200, blank=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)
    side = models.CharField(_("seen by"), max_length=20)
    verified_by = models.CharField(_("verified by"), max_length=32, blank=True)
    release = models.CharField(_("release"), max_length=100, blank=True)
    sentry_event_id = models.CharField(_("Sentry event"), max_length=32, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-at",)
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        indexes = (
            models.Index(fields=["at"], name="incident_at"),
            models.Index(fields=["code", "stage", "upstream_status", "at"], name="incident_cause"),
            models.Index(fields=["agency", "at"], name="incident_agency"),
        )

    def __str__(self) -> str:
        return self.reference


class Ending(_End):
    """One way in which enrollments end, such as success. It has one row, however many enrollments end that way.

    ``key`` is ``key_of`` the dimensions, which cannot be unique themselves: for a database, two rows without
    ``upstream_status`` are never equal. ``first_at`` is when it first happened. ``retention`` deletes an ending once
    it has no counts left.
    """

    key = models.CharField(max_length=64, unique=True)
    first_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name_plural = _("overview")

    def __str__(self) -> str:
        return self.code

    @staticmethod
    def key_of(dimensions: Sequence[str | int | None]) -> str:
        """``dimensions`` are the values of ``DIMENSIONS``, in that order."""
        return hashlib.sha256(json.dumps(dimensions).encode()).hexdigest()


class _Count(models.Model):
    """How many enrollments ended in one way, the last of them at ``last_at``.

    ``unlisted`` is how many of the failures have no ``Incident``, because there were too many at once.
    """

    # The database refuses to delete an ending that has counts, and Django must not delete or change the counts.
    ending = models.ForeignKey(Ending, on_delete=models.DO_NOTHING, related_name="%(class)ss")
    count = models.PositiveIntegerField()
    unlisted = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.count} × {self.ending}"


class MinuteCount(_Count):
    """What one process saw within one minute or less. Rows are only added; ``retention`` deletes old ones."""

    class Meta(_Count.Meta):
        indexes = (models.Index(fields=["last_at"], name="minute_count_last_at"),)


class DayCount(_Count):
    """What all processes saw on one day, in the site's time zone: the sum of the day's ``MinuteCount`` rows."""

    day = models.DateField()

    class Meta(_Count.Meta):
        constraints = (models.UniqueConstraint(fields=["ending", "day"], name="day_count_once"),)
        indexes = (models.Index(fields=["day"], name="day_count_day"),)

    @staticmethod
    def day_of(moment: datetime) -> date:
        return localdate(moment, get_default_timezone())


DIMENSIONS: tuple[str, ...] = tuple(field.name for field in _End._meta.local_fields)
"""The fields that ends are counted by."""

VIEW_PERMISSION = "enrollment_incidents.view_incident"
