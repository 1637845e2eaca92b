from __future__ import annotations

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .benefits import AGENCIES, flows_of


class AgencyCardForm(forms.Form):
    card_number = forms.RegexField(
        r"^\d{6}$",
        label=_("Number on your agency card"),
        help_text=_("Six digits, on the back of the card."),
        error_messages={"invalid": _("Enter the six digits on the back of the card.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class InPersonForm(forms.Form):
    benefit = forms.ChoiceField(
        label=_("Benefit"),
        choices=[
            (f"{slug}/{name}", format_lazy("{}: {}", agency["name"], flow.title))
            for slug, agency in AGENCIES.items()
            for name, flow in flows_of(slug).items()
        ],
    )
    proof_checked = forms.BooleanField(label=_("I have checked the rider’s proof."))
