"""What is kept of successes, and of cards that were taken out of a group. Nothing of it tells who the rider is."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.timezone import get_default_timezone, localdate
from django.utils.translation import gettext_lazy as _

if not apps.is_installed("enrollment_errors.ledger"):
    # Django would take these for models of the app that this folder lies in.
    raise ImproperlyConfigured('"enrollment_errors.ledger" is not in INSTALLED_APPS')


class Entry(models.Model):
    """One success that a rider was told of, under the reference that events have, and the address of the rider's page.

    ``agency`` is the agency's slug, ``account`` the site's name for the processor account, ``group_id`` the concession
    group. ``code`` says which success it was (``linked``, ``renewed``, …). ``expires_at`` is when the link expires, if
    it does. ``verified_by`` is the id of the staff member who enrolled in person. ``day`` is that of ``at`` in the
    site's time zone, for sums: not every database knows time zones.
    """

    reference = models.CharField(_("reference"), max_length=20)
    at = models.DateTimeField(_("time"))
    day = models.DateField(_("day"))
    agency = models.CharField(_("agency"), max_length=100)
    flow = models.CharField(_("flow"), max_length=100)
    method = models.CharField(_("method"), max_length=20)
    verified_by = models.CharField(_("verified by"), max_length=32, blank=True)
    account = models.CharField(_("account"), max_length=100)
    group_id = models.CharField(_("group"), max_length=200)
    code = models.CharField(_("code"), max_length=60)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-at", "-pk")
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        # Whoever tells of a success twice, such as after a lost answer, makes one row.
        constraints = (models.UniqueConstraint(fields=["reference", "account", "group_id"], name="ledger_entry_once"),)
        indexes = (
            models.Index(fields=["at"], name="ledger_entry_at"),
            models.Index(fields=["day", "agency"], name="ledger_entry_day"),
        )

    def __str__(self) -> str:
        return self.reference

    @staticmethod
    def day_of(moment: datetime) -> date:
        return localdate(moment, get_default_timezone())


class Removal(str, Enum):
    """What became of taking a card out of a group."""

    REMOVED = "removed"
    ABSENT = "absent"
    FAILED = "failed"
    UNKNOWN = "unknown"


_WORDS = [
    (Removal.REMOVED.value, _("removed")),
    (Removal.ABSENT.value, _("it was not in the group")),
    (Removal.FAILED.value, _("not removed")),
    (Removal.UNKNOWN.value, _("not known, the processor's answer was lost")),
]


class Unlink(models.Model):
    """That somebody took a card out of a group, or tried to. It is written before the processor is asked.

    ``by`` is the user name, which stays when the user is deleted. ``card`` is a keyed digest of what the processor
    calls the card: the same card has the same one, and nobody can tell from it which card it is. ``reference`` is that
    of the enrollment, where it is known. ``code`` is that of the failure, as in docs/errors.md.
    """

    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=254)
    reason = models.CharField(_("reason"), max_length=500)
    account = models.CharField(_("account"), max_length=100)
    group_id = models.CharField(_("group"), max_length=200)
    card = models.CharField(_("card (digest)"), max_length=32)
    reference = models.CharField(_("reference"), max_length=20, blank=True, db_index=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=_WORDS, default=Removal.UNKNOWN.value)
    code = models.CharField(_("code"), max_length=60, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = (("unlink_card", "Can remove cards from groups"),)
        ordering = ("-at", "-pk")
        verbose_name = _("removed card")
        verbose_name_plural = _("removed cards")
        indexes = (models.Index(fields=["at"], name="ledger_unlink_at"),)

    def __str__(self) -> str:
        return f"{self.account}, {self.group_id}"

    @property
    def is_done(self) -> bool:
        return self.outcome in (Removal.REMOVED.value, Removal.ABSENT.value)


UNLINK_PERMISSION = "enrollment_ledger.unlink_card"
