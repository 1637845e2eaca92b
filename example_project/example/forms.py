from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import ConcessionGroup


class AgencyCardForm(forms.Form):
    card_number = forms.RegexField(
        r"^\d{6}$",
        label=_("Number on your agency card"),
        help_text=_("Six digits, on the back of the card."),
        error_messages={"invalid": _("Enter the six digits on the back of the card.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


def _get_benefits() -> list[tuple[str, str]]:
    groups = ConcessionGroup.objects.select_related("agency")
    return [(f"{group.agency.slug}/{group.flow}", str(group)) for group in groups]


class InPersonForm(forms.Form):
    benefit = forms.ChoiceField(label=_("Benefit"), choices=_get_benefits)
    proof_checked = forms.BooleanField(label=_("I have checked the rider’s proof."))
