"""The record of each link that was sent, kept until its end is known; longer if the sweep had to settle it."""

from __future__ import annotations

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.translation import gettext_lazy as _

if not apps.is_installed("enrollment_errors.settling"):
    # Django would take these for models of the parent folder's app.
    raise ImproperlyConfigured('"enrollment_errors.settling" is not in INSTALLED_APPS')


class State(models.TextChoices):
    OPEN = "open"
    FINISHING = "finishing"
    LINKED = "linked"
    NOT_LINKED = "not_linked"
    NOT_FINISHED = "not_finished"
    CANCELED = "canceled"
    EXPIRED = "expired"


_WORDS = [
    (State.OPEN, _("Open")),
    (State.FINISHING, _("Finishing")),
    (State.LINKED, _("Linked")),
    (State.NOT_LINKED, _("Not linked")),
    (State.NOT_FINISHED, _("Not finished")),
    (State.CANCELED, _("Canceled")),
    (State.EXPIRED, _("Expired")),
]


class SentLink(models.Model):
    """One request's link of one card to one concession group.

    ``sealed`` holds everything needed to settle it, encrypted, and is empty once it has ended. ``rider`` is a keyed
    digest of the rider's random name. ``link`` is one of the account, the group, the card and the rider: rows with the
    same digest want the same link. ``opened_at`` is set before the link is sent. ``next_at`` is when the sweep looks at
    it next, ``None`` once it has ended; ``asked`` is how often the processor was asked in vain.

    A promised link has a random name, ``finishing``, and the agency as its page shows it. It waits in ``FINISHING``,
    with nothing under way, and is ``OPEN`` from before it is sent again, which moves ``opened_at``. ``finish_until`` is
    when the promise ends; ``None`` if nothing was promised, or the rider has canceled it.
    """

    reference = models.CharField(_("reference"), max_length=20, db_index=True)
    state = models.CharField(_("state"), max_length=20, choices=_WORDS, default=State.OPEN)
    account = models.CharField(_("account"), max_length=100)
    agency = models.CharField(_("agency"), max_length=100, blank=True)
    flow = models.CharField(_("flow"), max_length=100, blank=True)
    method = models.CharField(_("method"), max_length=20, blank=True)
    rider = models.CharField(max_length=32, db_index=True)
    link = models.CharField(max_length=32, db_index=True)
    sealed = models.TextField(blank=True)
    opened_at = models.DateTimeField(_("opened at"))
    next_at = models.DateTimeField(_("next at"), null=True, blank=True, db_index=True)
    asked = models.PositiveSmallIntegerField(_("asked"), default=0)
    finishing = models.CharField(max_length=32, blank=True, db_index=True)
    finish_until = models.DateTimeField(_("finish until"), null=True, blank=True)
    shown_agency = models.JSONField(default=list, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, db_index=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-opened_at",)
        verbose_name = _("sent link")
        verbose_name_plural = _("sent links")

    def __str__(self) -> str:
        return self.reference
