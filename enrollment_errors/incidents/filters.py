"""Filters the list of incidents, so that it opens as fast with a million of them as with ten.

No filter reads its choices from the incidents, and the paginator counts no further than anyone pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, cached_property
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from ..account_directory import account_names
from .chart import LABELS
from .models import Incident
from .overview import known_values
from .words import METHODS, SIDES, STEPS

if TYPE_CHECKING:
    _Paginator = Paginator[Incident]
    _Admin = ModelAdmin[Incident]
    _Incidents = QuerySet[Incident]
else:
    _Paginator = Paginator

NONE = "none"
"""In an address, stands for no value, such as the status of a call without an answer."""


class BoundedPaginator(_Paginator):
    BOUND = 10_000

    @cached_property
    def count(self) -> int:
        incidents: _Incidents = self.object_list  # type: ignore[assignment]  # the admin passes a queryset
        return int(incidents.order_by()[: self.BOUND].count())


class _Period(SimpleListFilter):
    title = _("time")
    parameter_name = "hours"
    _HOURS = {"1": _("Last hour"), "24": _("Last 24 hours"), "168": _("Last 7 days"), "720": _("Last 30 days")}

    def lookups(self, request: HttpRequest, model_admin: _Admin) -> list[tuple[str, str]]:
        return [(hours, str(words)) for hours, words in self._HOURS.items()]

    def queryset(self, request: HttpRequest, queryset: _Incidents) -> _Incidents:
        hours = self.value()
        if hours not in self._HOURS:
            return queryset
        recent: _Incidents = queryset.filter(at__gte=now() - timedelta(hours=int(hours)))
        return recent


class _Value(SimpleListFilter):
    """``options`` returns the choices. If a link asks for another value, that one is offered, too."""

    options: Callable[[HttpRequest], Iterable[tuple[str, str]]]

    def lookups(self, request: HttpRequest, model_admin: _Admin) -> list[tuple[str, str]]:
        offered = list(type(self).options(request))
        asked = self.value()
        return offered if asked is None or asked in dict(offered) else [*offered, (asked, asked)]

    def queryset(self, request: HttpRequest, queryset: _Incidents) -> _Incidents:
        asked = self.value()
        if asked is None:
            return queryset
        narrowed: _Incidents = queryset.filter(Q((str(self.parameter_name), None if asked == NONE else asked)))
        return narrowed


def _by(
    name: str, title: str | Promise, options: Callable[[HttpRequest], Iterable[Any]] = lambda request: ()
) -> type[SimpleListFilter]:
    def pairs(request: HttpRequest) -> list[tuple[str, str]]:
        return [option if isinstance(option, tuple) else (option, option) for option in options(request)]

    attributes = {"title": title, "parameter_name": name, "options": staticmethod(pairs)}
    return type(f"By{name.title()}", (_Value,), attributes)


def _known(request: HttpRequest) -> dict[str, list[str]]:
    """Queried once per request, because two filters need it."""
    kept = vars(request)
    if "enrollment_incidents_known" not in kept:
        kept["enrollment_incidents_known"] = known_values("agency", "flow")
    known: dict[str, list[str]] = kept["enrollment_incidents_known"]
    return known


LIST_FILTERS = (
    _Period,
    _by("outcome", _("outcome"), lambda request: [pair for pair in LABELS.items() if pair[0] != "success"]),
    _by("agency", _("agency"), lambda request: _known(request)["agency"]),
    _by("account", _("account"), lambda request: account_names()),
    _by("flow", _("flow"), lambda request: _known(request)["flow"]),
    _by("method", _("method"), lambda request: METHODS.items()),
    _by("stage", _("step"), lambda request: STEPS.items()),
    _by("side", _("who saw it"), lambda request: SIDES.items()),
    _by("code", _("code")),
    _by("upstream_status", _("upstream status")),
    _by("processor", _("processor")),
)


def incidents_url(**lookups: object) -> str:
    """The address of the list with these lookups. ``None`` finds incidents without that value."""
    query = urlencode({name: _asked(value) for name, value in lookups.items()})
    return f"{reverse('admin:enrollment_incidents_incident_changelist')}?{query}"


def _asked(value: object) -> object:
    if value is None:
        return NONE
    return value.isoformat() if isinstance(value, datetime) else value
