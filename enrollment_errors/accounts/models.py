"""An account with a transit processor, as operators edit it. No secret is ever kept here."""

from __future__ import annotations

from django.db import models


class Account(models.Model):
    """``name`` is what an adapter's ``Enrollment.account`` says. ``processor`` is the dotted path of its class.

    ``options`` is the account's ``OPTIONS``; of an option that is a secret it holds the secret's name in the site's
    vault, and not the secret. One that is not ``is_active`` is not there for riders, and may be incomplete.
    """

    name = models.SlugField(
        max_length=100, unique=True, help_text="What the site's adapter calls it. Letters, digits, dashes, underscores."
    )
    processor = models.CharField(max_length=200)
    is_active = models.BooleanField(
        "in use", default=False, help_text="Riders can enroll with it. Until then it may be incomplete."
    )
    options = models.JSONField(default=dict, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
