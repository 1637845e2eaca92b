"""What is kept of how enrollments ended. Nothing of it tells who the rider is."""

from __future__ import annotations

from django.db import models


class _End(models.Model):
    """What an enrollment that ended and a count of such ends have in common.

    ``processor`` is the processor's name (``littlepay``), ``account`` the site's name for the account, ``agency`` the
    agency's slug. ``upstream_status`` is the HTTP status that the processor answered, if it answered.
    """

    outcome = models.CharField(max_length=20)
    processor = models.CharField(max_length=60, blank=True)
    account = models.CharField(max_length=100, blank=True)
    agency = models.CharField(max_length=100, blank=True)
    flow = models.CharField(max_length=100, blank=True)
    method = models.CharField(max_length=20, blank=True)
    stage = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=60)
    upstream_status = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        abstract = True


class Incident(_End):
    """One failure, or one expected refusal, under the reference that the rider was shown.

    ``route`` is the method and the templated path of the processor call that failed, ``exception`` the type of what was
    raised. ``seconds`` is how long the rider's request took.
    """

    reference = models.CharField(max_length=20, db_index=True)
    at = models.DateTimeField("time")
    route = models.CharField("processor call", max_length=200, blank=True)
    exception = models.CharField(max_length=200, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    side = models.CharField(max_length=20)
    release = models.CharField(max_length=100, blank=True)
    sentry_event_id = models.CharField("Sentry event", max_length=32, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-at",)
        indexes = (
            models.Index(fields=["at"], name="incident_at"),
            models.Index(fields=["code", "stage", "upstream_status", "at"], name="incident_cause"),
            models.Index(fields=["agency", "at"], name="incident_agency"),
        )

    def __str__(self) -> str:
        return self.reference


class OutcomeCount(_End):
    """How often enrollments ended in one way from ``first_at`` to ``last_at``, successes among them.

    A row is what one process saw within a minute at most; ``incidents.retention`` puts older rows together.
    ``unlisted`` is how many of the failures have no ``Incident``, because there were too many at once.
    """

    count = models.PositiveIntegerField()
    unlisted = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name = "outcome"
        verbose_name_plural = "overview"
        indexes = (models.Index(fields=["last_at"], name="outcome_count_last_at"),)

    def __str__(self) -> str:
        return f"{self.count} × {self.code}"


DIMENSIONS: tuple[str, ...] = tuple(field.name for field in _End._meta.local_fields)
"""By what ends are counted."""

VIEW_PERMISSION = "enrollment_errors.view_incident"
