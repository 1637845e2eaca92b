"""The overview page: its form, and the context of its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.timezone import get_current_timezone_name, localtime, now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..availability import notices
from ..circuits import circuits
from ..outcomes import Outcome
from ..runbooks import runbook_url
from .chart import SHOWN, Chart, draw
from .contacts import agencies
from .filters import incidents_url
from .overview import FAULTS, SWITCHED_OFF, Filters, Rate, Row, causes, counts_of, known_values, rows
from .periods import DEFAULT, PERIODS, Period, period
from .words import METHODS

MOST_CHARTS = 12
"""Maximum charts on the page, for the accounts and agencies with the most faults. The form selects others."""

_REFUSALS = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.SUCCESS)
_SHOWN = {"faults": (_("Faults"), FAULTS), "all": (_("Faults and expected refusals"), _REFUSALS)}
_FIELDS = {"agency": _("Agency"), "account": _("Account"), "flow": _("Flow"), "method": _("Method")}
_LISTED = frozenset(SHOWN) - {Outcome.SUCCESS.value, SWITCHED_OFF}
"""If a bar has one of these outcomes, it links to its incidents."""


class OverviewForm(forms.Form):
    """Ignores values that are not valid."""

    period = forms.ChoiceField(label=_("Period"), choices=list(PERIODS.items()), required=False)
    show = forms.ChoiceField(
        label=_("Causes"), choices=[(key, words) for key, (words, outcomes) in _SHOWN.items()], required=False
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__({"period": DEFAULT, "show": "faults", **{name: data[name] for name in data}})
        known: dict[str, list[str]] = {"method": list(METHODS), **known_values("agency", "account", "flow")}
        for name, label in _FIELDS.items():
            values = [("", gettext("All")), *((value, METHODS.get(value, value)) for value in known[name])]
            self.fields[name] = forms.ChoiceField(label=label, choices=values, required=False)
        self.full_clean()

    @property
    def filters(self) -> Filters:
        return {name: value for name in _FIELDS if (value := self.cleaned_data.get(name))}

    def get_period(self, now: datetime) -> Period:
        return period(self.cleaned_data.get("period") or DEFAULT, now)

    @property
    def outcomes(self) -> tuple[str, ...]:
        return _SHOWN[self.cleaned_data.get("show") or "faults"][1]


def overview_context(asked: Mapping[str, Any]) -> dict[str, Any]:
    """``asked`` is the request's query."""
    moment = now()
    form = OverviewForm(asked)
    wanted = form.get_period(moment)
    found = rows(wanted, form.filters)
    names = {slug: agency.name for slug, agency in agencies().items()}
    named = [(row, names.get(row.agency, row.agency)) for row in found]
    return {
        "form": form,
        "now": localtime(moment),
        "zone": get_current_timezone_name(),
        "period": wanted,
        "circuits": circuits(),
        "notices": [(notice, runbook_url(notice.why)) for notice in notices()],
        "rows": [_shown(row, name, wanted, form.filters) for row, name in named],
        "charts": [
            _chart(number, row, name, wanted, form.filters) for number, (row, name) in enumerate(named[:MOST_CHARTS])
        ],
        "more_charts": len(found) - MOST_CHARTS,
        "causes": [
            (
                cause,
                [names.get(agency, agency) for agency in cause.agencies],
                runbook_url(cause.code),
                incidents_url(
                    code=cause.code,
                    stage=cause.stage,
                    upstream_status=cause.upstream_status,
                    processor=cause.processor,
                    **form.filters,
                ),
            )
            for cause in causes(counts_of(wanted), form.filters, outcomes=form.outcomes)
        ],
    }


HEAD = ("account", "agency", "from", *SHOWN, "success rate in percent")


def spreadsheet(asked: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The numbers of all accounts and agencies: a row for each bar that is not empty, with its start in ISO 8601."""
    form = OverviewForm(asked)
    wanted = form.get_period(now())
    for row in rows(wanted, form.filters):
        for start, counts in zip(wanted.starts, row.bars, strict=True):
            if counts:
                moment = localtime(start) if isinstance(start, datetime) else start
                numbers = [counts.get(outcome, 0) for outcome in SHOWN]
                yield row.account, row.agency, moment.isoformat(), *numbers, Rate.of(counts).percent


def _shown(row: Row, agency: str, wanted: Period, filters: Filters) -> dict[str, Any]:
    total = row.total
    first = wanted.bounds(0)[0]
    succeeded, unknown = total.get(Outcome.SUCCESS.value, 0), total.get(Outcome.UNKNOWN.value, 0)
    failed = sum(total.get(outcome, 0) for outcome in FAULTS) - unknown
    return {
        "account": row.account,
        "agency": agency,
        "rate": Rate.of(total),
        "succeeded": succeeded,
        "failed": failed,
        "unknown": unknown,
        "other": sum(total.values()) - succeeded - failed - unknown,
        "url": incidents_url(**{**filters, "account": row.account, "agency": row.agency}, at__gte=first)
        if _LISTED & total.keys()
        else "",
    }


def _chart(number: int, row: Row, agency: str, wanted: Period, filters: Filters) -> Chart:
    urls = [_bar_url(row, place, wanted, filters) for place in range(len(row.bars))]
    account = gettext("account %(account)s") % {"account": row.account} if row.account else gettext("no account")
    title = ", ".join((agency or gettext("No agency"), account))
    return draw(f"chart-{number}", title, row, wanted, urls)


def _bar_url(row: Row, place: int, wanted: Period, filters: Filters) -> str:
    if not _LISTED & row.bars[place].keys():
        return ""
    begins, ends = wanted.bounds(place)
    until = {"at__lt": ends} if ends else {}
    return incidents_url(**{**filters, "account": row.account, "agency": row.agency}, at__gte=begins, **until)
