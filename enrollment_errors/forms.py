"""The form that brings a card token. What a card token may be is the service's to check, and to report."""

from __future__ import annotations

from django import forms

from .redaction import Secret


class EnrollForm(forms.Form):
    card_token = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def secret_card_token(self) -> Secret:
        """What was posted, or an empty secret where that is no text at all."""
        return Secret(self.cleaned_data["card_token"]) if self.is_valid() else Secret("")
