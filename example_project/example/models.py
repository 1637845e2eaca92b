"""This site's agencies, which operators manage in the admin. The flows are code, in ``benefits``."""

from __future__ import annotations

from django.core.validators import URLValidator
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from enrollment_errors import adapter
from enrollment_errors.accounts.models import Account

from .benefits import FLOWS, Flow

_OTHER_WAYS = _("You can also enroll at the counter of {agency}, Monday to Friday, 9 a.m. to 5 p.m.")
"""Shown while riders cannot enroll online."""


_CARD_SCHEMES = ("visa", "mastercard")
"""What the readers of all agencies here accept."""


class Agency(models.Model):
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True, help_text="In the address of the agency's pages, and in events.")
    phone = models.CharField(max_length=30, blank=True)
    website = models.CharField(max_length=200, blank=True, validators=[URLValidator(["https", "http"])])
    account = models.ForeignKey(Account, on_delete=models.PROTECT, help_text="With its transit processor.")

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.name

    def get_flows(self) -> dict[str, Flow]:
        """The flows that it offers, in the order of ``FLOWS``."""
        offered = set(self.groups.values_list("flow", flat=True))
        return {name: flow for name, flow in FLOWS.items() if name in offered}

    def as_shown(self, home_url: str) -> adapter.Agency:
        """The agency for pages that lead home to ``home_url``."""
        return adapter.Agency(
            slug=self.slug,
            name=self.name,
            home_url=home_url,
            phone=self.phone,
            website=self.website,
            card_schemes=_CARD_SCHEMES,
            other_ways=format_lazy(_OTHER_WAYS, agency=self.name),
        )


class ConcessionGroup(models.Model):
    """The group for an agency's riders who qualify by one flow. An agency offers only the flows that have a group."""

    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="groups")
    flow = models.CharField(max_length=50, choices=[(name, flow.title) for name, flow in FLOWS.items()])
    group_id = models.CharField("id at the processor", max_length=100)

    class Meta:
        ordering = ("agency__name", "pk")
        constraints = (models.UniqueConstraint(fields=("agency", "flow"), name="one_group_per_flow"),)

    def __str__(self) -> str:
        return f"{self.agency}: {self.get_flow_display()}"
