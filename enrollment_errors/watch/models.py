"""What the watch last found, and the switches that operators have set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..account_directory import account_names

if not apps.is_installed("enrollment_errors.watch"):
    # Otherwise, Django would assign these models to the app that contains this folder.
    raise ImproperlyConfigured('"enrollment_errors.watch" is not in INSTALLED_APPS')


class Watched(models.Model):
    """What the watch last found out about an account, or about one concession group of an account.

    ``diagnosis`` is a key for ``doctor.diagnoses.diagnosed``; it is empty if all is well. If ``is_failure``, riders
    cannot enroll. ``since`` is when the present state began: all is well, a warning, or a failure. ``told`` lists the
    diagnoses that operators already know about, separated by spaces.
    """

    account = models.CharField(_("account"), max_length=100)
    group_id = models.CharField(_("concession group"), max_length=200, blank=True)
    agencies = models.CharField(_("agencies"), max_length=500, blank=True)
    diagnosis = models.CharField(max_length=60, blank=True)
    is_failure = models.BooleanField(_("riders cannot enroll"), default=False)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    since = models.DateTimeField(_("since"))
    checked_at = models.DateTimeField(_("last looked at"))
    told = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        default_permissions = ("view",)
        ordering = ("account", "group_id")
        verbose_name = _("finding of the watch")
        verbose_name_plural = _("findings of the watch")
        constraints = (models.UniqueConstraint(fields=("account", "group_id"), name="watched_once"),)

    def __str__(self) -> str:
        if not self.group_id:
            return self.account
        return gettext("%(account)s, group %(group)s") % {"account": self.account, "group": self.group_id}


class Switch(models.Model):
    """A switch that an operator has set for an account, an agency, or an agency's riders with one account.

    ``messages`` are what riders read, by language code. If several switches apply, the one that was set last decides.
    """

    class Position(models.TextChoices):
        OFF = "off", _("Off: riders cannot enroll")
        ON = "on", _("On, for a test: riders can enroll, whatever the circuit and the watch say")

    account = models.CharField(_("account"), max_length=100, blank=True, help_text=_("Empty: whatever the account."))
    agency = models.CharField(
        _("agency"),
        max_length=100,
        blank=True,
        help_text=_("The agency's slug, as in incidents. Empty: all agencies of the account."),
    )
    position = models.CharField(_("position"), max_length=3, choices=Position.choices, default=Position.OFF)
    begins = models.DateTimeField(_("from"), default=timezone.now)
    ends = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: until further notice."))
    messages = models.JSONField(default=dict, blank=True)
    set_by = models.CharField(_("set by"), max_length=150, editable=False)
    set_at = models.DateTimeField(_("set at"), auto_now=True)

    class Meta:
        ordering = ("-begins",)
        verbose_name = _("enrollment switch")
        verbose_name_plural = _("enrollment switches")

    def __str__(self) -> str:
        return f"{self.place}: {self.position}"

    @property
    def place(self) -> str:
        agency = gettext("agency %(agency)s") % {"agency": self.agency} if self.agency else ""
        return ", ".join(filter(None, (self.account, agency)))

    def end(self, moment: datetime) -> None:
        """Ends the switch at ``moment``. If it has not begun by then, it never applies."""
        if self.ends is None or self.ends > moment:
            self.ends = moment
            self.save()

    def clean(self) -> None:
        """Raises ``ValidationError``."""
        if not self.account and not self.agency:
            raise ValidationError(_("Name an account, an agency, or both."))
        if self.account and self.account not in (names := account_names()):
            raise ValidationError(
                {
                    "account": gettext("There is no such account. There are: %(names)s.")
                    % {"names": ", ".join(sorted(names))}
                }
            )
        if self.ends and self.begins and self.ends <= self.begins:
            raise ValidationError({"ends": _("It must end after it begins.")})
        if self.position == "on" and not self.ends:
            raise ValidationError(
                {"ends": _("Say when the test ends: until then nothing stops calls to the processor.")}
            )


def message_in(messages: Mapping[str, str], language: str) -> str:
    """The operator's message in ``language``; without one, in the site's language, or else in any other."""
    own = settings.LANGUAGE_CODE
    for code in (language, language.partition("-")[0], own, own.partition("-")[0], *messages):
        if text := messages.get(code):
            return text
    return ""
