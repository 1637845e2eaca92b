"""The form for a switch, with a field for the riders' message in each of the site's languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext

from ..account_directory import account_names
from .models import Switch

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Switch]
else:
    _ModelForm = forms.ModelForm


class SwitchForm(_ModelForm):
    class Meta:
        model = Switch
        fields = ("account", "agency", "position", "begins", "ends")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted({*account_names(), self.instance.account} - {""})
        self.fields["account"] = forms.ChoiceField(
            label=self.fields["account"].label,
            choices=[("", gettext("Every account")), *((name, name) for name in names)],
            required=False,
            help_text=self.fields["account"].help_text,
        )
        for language, _ in settings.LANGUAGES:
            self.fields[message_field(language)].initial = self.instance.messages.get(language, "")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        texts = {language: cleaned.get(message_field(language), "") for language, _ in settings.LANGUAGES}
        self.instance.messages = {language: text for language, text in texts.items() if text}
        return cleaned


def message_field(language: str) -> str:
    return f"message_{language}"


def switch_form() -> type[SwitchForm]:
    fields = {
        message_field(language): forms.CharField(
            label=gettext("Riders read, in %(language)s") % {"language": gettext(name)},
            required=False,
            max_length=1000,
            widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "lang": language}),
        )
        for language, name in settings.LANGUAGES
    }
    return type("SwitchForm", (SwitchForm,), fields)
