"""The form to take a card out of a group. The operator fills it in, and then confirms a sealed copy."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..encryption import decrypt, encrypt
from ..exceptions import ReplyIncomplete
from ..processors.types import FundingSource
from ..references import readings
from ..secret import Secret
from .models import Entry
from .unlinking import Wanted, accounts_that_unlink

_PURPOSE = "unlink"
_SEALED_FOR = 15 * 60.0
"""Maximum seconds between the form and its confirmation: meanwhile, the rider may link the card again."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    wanted: Wanted
    reason: str
    reference: str

    def sealed(self, user: Any) -> str:
        """The wish for a hidden field: encrypted, because it contains the card, and valid for this user only."""
        return encrypt(
            json.dumps(
                {
                    "account": self.wanted.account,
                    "group_id": self.wanted.group_id,
                    "card": self.wanted.funding_source.id,
                    "reason": self.reason,
                    "reference": self.reference,
                    "user": str(user.pk),
                    "at": time.time(),
                }
            ),
            purpose=_PURPOSE,
        )

    @classmethod
    def unsealed(cls, text: str, user: Any) -> Wish | None:
        """``None`` if the text cannot be read, belongs to another user, or is too old."""
        opened = decrypt(text, purpose=_PURPOSE)
        said = json.loads(opened) if opened else {}
        if said.get("user") != str(user.pk) or not 0 <= time.time() - said["at"] < _SEALED_FOR:
            return None
        return cls(
            wanted=Wanted(
                account=said["account"], group_id=said["group_id"], funding_source=FundingSource(id=said["card"])
            ),
            reason=said["reason"],
            reference=said["reference"],
        )


class UnlinkForm(forms.Form):
    account = forms.ChoiceField(
        label=_("Account"), help_text=_("The account with the processor that the card was linked with.")
    )
    group_id = forms.CharField(
        label=_("Group"), max_length=200, widget=AdminTextInputWidget, help_text=_("The concession group's id.")
    )
    card = forms.CharField(
        label=_("Card"),
        max_length=512,
        widget=AdminTextInputWidget({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "What the processor calls the card: its funding source id, from the processor's own back office. Never a "
            "card number. It is kept nowhere."
        ),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=AdminTextareaWidget({"rows": 3}),
        help_text=_("Why, for those who read it later. Nothing that tells who the rider is."),
    )
    reference = forms.CharField(
        label=_("Reference"),
        required=False,
        widget=AdminTextInputWidget,
        help_text=_("Of the rider's enrollment, if you know it, such as H7P-2QX-9MR."),
    )

    def __init__(self, said: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(said, label_suffix="", **kwargs)
        field = self.fields["account"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in accounts_that_unlink()]
        # While this form exists, its card is removed from every event.
        self.secret = Secret(str(self.data.get("card", "")).strip())

    def clean_group_id(self) -> str:
        group_id: str = self.cleaned_data["group_id"]
        if group_id in (".", ".."):
            raise forms.ValidationError(gettext("This is no concession group's id."))
        return group_id

    def clean_card(self) -> FundingSource:
        try:
            return FundingSource(id=self.cleaned_data["card"])
        except ReplyIncomplete:
            raise forms.ValidationError(gettext("This is no funding source id.")) from None

    def clean_reference(self) -> str:
        """The reference, as typed from the phone. If that can mean several: the one in the ledger, or else the
        first."""
        typed = self.cleaned_data["reference"]
        if not typed:
            return ""
        possible = readings(typed)
        if not possible:
            raise forms.ValidationError(gettext("A reference has nine letters and digits, such as H7P-2QX-9MR."))
        known = Entry.objects.filter(reference__in=possible).values_list("reference", flat=True).first()
        return known or possible[0]

    @property
    def wish(self) -> Wish:
        said = self.cleaned_data
        return Wish(
            wanted=Wanted(account=said["account"], group_id=said["group_id"], funding_source=said["card"]),
            reason=said["reason"],
            reference=said["reference"],
        )
