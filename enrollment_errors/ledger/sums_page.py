"""The page of sums in the admin: its form, and the context of its template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .models import Entry
from .sums import Period, Sum, known_values, sums, total

_DAYS = 31
"""How many days the page shows if you ask for days and do not say which."""


class _DayInput(forms.DateInput):
    """The browser's own date field, which needs no script, and requires ISO 8601 in every language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SumsForm(forms.Form):
    """``since`` and ``until`` are days in the site's time zone, both included."""

    by = forms.ChoiceField(label=_("By"), choices=[("month", _("Month")), ("day", _("Day"))], initial="month")
    agency = forms.ChoiceField(label=_("Agency"), required=False)
    flow = forms.ChoiceField(label=_("Flow"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=_DayInput)
    until = forms.DateField(label=_("To"), required=False, widget=_DayInput)

    def __init__(self, asked: Mapping[str, Any]) -> None:
        super().__init__({"by": "month", **{name: asked[name] for name in asked}}, label_suffix="")
        for name in ("agency", "flow"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", gettext("All")), *((value, value) for value in known_values(name))]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", gettext("This is before the first day."))
        if cleaned.get("by") == "day" and not (since or until):
            cleaned["since"] = Entry.day_of(now()) - timedelta(days=_DAYS - 1)
        return cleaned

    def sums(self) -> list[Sum]:
        """Empty if the form is not valid."""
        if not self.is_valid():
            return []
        asked = {name: value for name, value in self.cleaned_data.items() if name != "by"}
        return sums(Period(self.cleaned_data["by"]), **asked)

    @property
    def first_day(self) -> date | None:
        """The first day shown if the form, not the user, chose it; otherwise ``None``."""
        first: date | None = None if self.data.get("since") else self.cleaned_data.get("since")
        return first


def sums_context(form: SumsForm) -> dict[str, Any]:
    found = form.sums()
    return {"form": form, "sums": found, "total": total(found), "first_day": form.first_day}
