"""An account with a transit processor, as operators edit it. No secret is ever kept here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """``name`` is what an adapter's ``Enrollment.account`` says. ``processor`` is the dotted path of its class.

    ``options`` is the account's ``OPTIONS``; of an option that is a secret it holds the secret's name in the site's
    vault, and not the secret. One that is not ``is_active`` is not there for riders, and may be incomplete.
    """

    name = models.SlugField(
        _("name"),
        max_length=100,
        unique=True,
        help_text=_("What the site's adapter calls it. Letters, digits, dashes, underscores."),
    )
    processor = models.CharField(_("processor"), max_length=200)
    is_active = models.BooleanField(
        _("in use"), default=False, help_text=_("Riders can enroll with it. Until then it may be incomplete.")
    )
    options = models.JSONField(default=dict, blank=True, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.name
