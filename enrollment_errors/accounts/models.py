"""An account with a transit processor, as operators edit it. It never contains a secret."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """``name`` is what the adapter puts in ``Enrollment.account``. ``processor`` is the dotted path of its class.

    ``options`` are the account's ``OPTIONS``, except that they contain the name of each secret in the site's vault
    instead of the secret. Riders cannot use an account that is not ``is_active``, and it may be incomplete.
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
