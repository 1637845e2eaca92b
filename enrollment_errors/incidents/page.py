"""The overview as a page: what is asked of it, and what its template shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.timezone import now

from ..adapter import Method
from ..availability import notices
from ..circuits import circuits
from ..outcomes import Outcome
from .chart import Chart, draw
from .filters import incidents_url
from .overview import (
    FAULTS,
    Columns,
    Counts,
    Filters,
    causes,
    days_until,
    known_values,
    last_days,
    last_hours,
    minutes_since,
)

_PERIODS: Mapping[str, tuple[str, Callable[[datetime], Counts]]] = {
    "hour": ("Last hour", lambda now: minutes_since(now - timedelta(hours=1))),
    "day": ("Last 24 hours", lambda now: minutes_since(now - timedelta(hours=24))),
    "week": ("Last 7 days", lambda now: days_until(now, 7)),
    "month": ("Last 30 days", lambda now: days_until(now, 30)),
    "all": ("All that is kept", lambda now: days_until(now, None)),
}
_REFUSALS = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.SUCCESS)
_SHOWN = {"faults": ("Faults", FAULTS), "all": ("Faults and expected refusals", _REFUSALS)}
_FIELDS = ("agency", "account", "flow", "method")


class OverviewForm(forms.Form):
    """What cannot be read counts as not asked."""

    period = forms.ChoiceField(choices=[(key, words) for key, (words, _) in _PERIODS.items()], required=False)
    show = forms.ChoiceField(choices=[(key, words) for key, (words, _) in _SHOWN.items()], required=False)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__({"period": "week", "show": "faults", **{name: data[name] for name in data}})
        known = {"method": [method.value for method in Method], **known_values("agency", "account", "flow")}
        for name in _FIELDS:
            values = [("", "All"), *((value, value) for value in known.get(name, ()))]
            self.fields[name] = forms.ChoiceField(choices=values, required=False)
        self.full_clean()

    @property
    def filters(self) -> Filters:
        return {name: value for name in _FIELDS if (value := self.cleaned_data.get(name))}

    def counts(self, now: datetime) -> Counts:
        _, counts_of = _PERIODS[self.cleaned_data.get("period") or "week"]
        return counts_of(now)

    @property
    def outcomes(self) -> tuple[str, ...]:
        return _SHOWN[self.cleaned_data.get("show") or "faults"][1]


def overview_context(asked: Mapping[str, Any]) -> dict[str, Any]:
    """``asked`` is the request's query."""
    moment = now()
    form = OverviewForm(asked)
    found = causes(form.counts(moment), form.filters, outcomes=form.outcomes)
    return {
        "form": form,
        "circuits": circuits(),
        "notices": notices(),
        "charts": [
            *_charts("hours", "last 24 hours", last_hours(moment, form.filters)),
            *_charts("days", "last 30 days", last_days(moment, form.filters)),
        ],
        "causes": [
            (
                cause,
                incidents_url(
                    code=cause.code,
                    stage=cause.stage,
                    upstream_status=cause.upstream_status,
                    processor=cause.processor,
                    **form.filters,
                ),
            )
            for cause in found
        ],
    }


def _charts(name: str, words: str, columns: Columns) -> list[Chart]:
    return [
        draw(f"chart-{name}-{number}", f"{account or 'no account'}, {words}", bars)
        for number, (account, bars) in enumerate(columns.items())
    ]
