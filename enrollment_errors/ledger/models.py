"""What the app keeps about successes, and about cards taken out of a group. None of it identifies the rider."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.timezone import get_default_timezone, localdate
from django.utils.translation import gettext_lazy as _

if not apps.is_installed("enrollment_errors.ledger"):
    # Otherwise, Django would assign these models to the app that contains this folder.
    raise ImproperlyConfigured('"enrollment_errors.ledger" is not in INSTALLED_APPS')


class Entry(models.Model):
    """One success, under the same reference as its events and the address of the rider's page.

    ``agency`` is the agency's slug, ``account`` the site's name for the processor account, ``group_id`` the concession
    group. ``code`` says which kind of success it was (``linked``, ``renewed``, …). ``expires_at`` is when the link
    expires, if it does. ``verified_by`` is the id of the staff member who enrolled the rider in person. ``day`` is the
    day of ``at`` in the site's time zone, for sums: not every database knows time zones.
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
        # A success that is reported twice, such as after a lost answer, becomes one row.
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
    """The result of taking a card out of a group."""

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
    """An operator took a card out of a group, or tried to. The row is written before the removal is sent.

    ``by`` is the user name, which stays even if the user is deleted. ``card`` is a keyed digest of the processor's
    name for the card. It is the same for the same card and account until the ``SECRET_KEY`` changes, and does not
    reveal the card. ``reference`` is the enrollment's, if known. ``code`` is the code of the failure, as in
    docs/errors.md.
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
