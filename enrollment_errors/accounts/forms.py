"""The form for an account: one field for each option that its processor declares. The processor checks the values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..exceptions import ConfigurationError
from ..processors.base import Processor
from ..processors.types import Option, OptionKind
from ..redaction import raised_at
from .models import Account
from .processors import processor_at, processor_choices
from .provider import with_secrets

if TYPE_CHECKING:
    _AccountForm = forms.ModelForm[Account]
else:
    _AccountForm = forms.ModelForm

_QUOTED = re.compile(r'"(\w+)"')


class NewAccountForm(_AccountForm):
    """Asks for the processor first, because it decides which other fields there are."""

    processor = forms.ChoiceField(
        label=_("Processor"),
        choices=processor_choices,
        help_text=_("It cannot be changed later: make another account."),
    )

    class Meta:
        model = Account
        fields = ("name", "processor")


class AccountForm(_AccountForm):
    """``form_of`` returns the class for a processor."""

    account_processor: type[Processor]

    class Meta:
        model = Account
        fields = ("name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in self.account_processor.account_options:
            # Without a value, a JSON field would show "null".
            nothing: Any = {} if option.kind is OptionKind.MAPPING else None
            self.initial[option.name] = self.instance.options.get(option.name, nothing)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        given = {option.name: cleaned.get(option.name) for option in self.account_processor.account_options}
        self.instance.options = {name: value for name, value in given.items() if value not in (None, "", {})}
        if cleaned.get("is_active") and not self.errors:
            for problem in _problems(cleaned["name"], self.account_processor, self.instance.options):
                self.add_error(self._field_named_in(problem), problem)
        return cleaned

    def _field_named_in(self, problem: str) -> str | None:
        """The field to show the problem at: the first option that it names, in quotes as processors do."""
        options = [option.name for option in self.account_processor.account_options]
        return next((name for name in _QUOTED.findall(problem) if name in options), None)


def form_of(path: str) -> type[AccountForm]:
    """The form for accounts with the processor at the dotted path. Raises ``ConfigurationError``."""
    processor = processor_at(path)
    fields = {option.name: _field(option) for option in processor.account_options}
    return type("AccountForm", (AccountForm,), {"account_processor": processor, **fields})


def _field(option: Option) -> forms.Field:
    about: dict[str, Any] = {"label": option.name, "help_text": _help(option), "required": False}
    if option.is_secret:
        return forms.CharField(max_length=200, widget=AdminTextInputWidget, **about)
    if option.choices:
        return forms.ChoiceField(choices=[("", "---------"), *((value, value) for value in option.choices)], **about)
    if option.kind is OptionKind.NUMBER:
        return forms.IntegerField(**about)
    if option.kind is OptionKind.MAPPING:
        return forms.JSONField(widget=forms.Textarea(attrs={"rows": 3}), **about)
    if option.kind is OptionKind.PEM:
        return forms.CharField(widget=forms.Textarea, **about)
    return forms.CharField(max_length=500, widget=AdminTextInputWidget, **about)


def _help(option: Option) -> str:
    """The author of a processor also provides the catalog that translates its help texts."""
    texts = [gettext(option.help_text) if option.help_text else ""]
    if option.is_secret:
        texts.append(gettext("Enter the name under which the secret is kept, never the secret."))
    if not option.is_required:
        if_empty = gettext("If empty: %(default)s.") % {"default": option.default}
        texts.append(if_empty if option.default else gettext("Can be empty."))
    return " ".join(filter(None, texts))


def _problems(name: str, processor: type[Processor], options: Mapping[str, Any]) -> list[str]:
    """The problems of an account that riders are to use. Returns errors instead of raising them: the frames below hold
    the account's secrets, and a traceback would include those frames."""
    try:
        whole = with_secrets(name, processor, options)
        problems = processor.check_options(whole)
        if not problems:
            processor.endpoints(whole)
    except ConfigurationError as wrong:  # such as a missing secret: the other options are still checked
        others = [option for option in processor.account_options if not option.is_secret]
        return [str(wrong), *(problem for option in others for problem in option.problems(options))]
    except Exception as error:  # noqa: BLE001  a processor may raise anything, such as for a certificate
        return [
            gettext("It cannot be used: %(error)s at %(place)s.")
            % {"error": type(error).__name__, "place": raised_at(error.__traceback__)}
        ]
    return problems
