"""For operators, read-only: the overview of causes, and the incidents behind them, found by the rider's reference.

Whoever has the permission ``enrollment_incidents.view_incident`` sees both, and nobody can change either.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .. import conf
from ..catalogue import explained
from ..read_only import ReadOnly
from ..references import readings
from .briefing import briefing
from .filters import LIST_FILTERS, BoundedPaginator, incidents_url
from .models import VIEW_PERMISSION, Ending, Incident
from .near import difference, near
from .page import overview_context

if TYPE_CHECKING:
    _IncidentAdmin = admin.ModelAdmin[Incident]
    _EndingAdmin = admin.ModelAdmin[Ending]
else:
    _IncidentAdmin = _EndingAdmin = admin.ModelAdmin

AROUND = timedelta(minutes=10)
MOST_SHOWN = 20


class _ReadOnly(ReadOnly):
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(VIEW_PERMISSION)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VIEW_PERMISSION)


@admin.register(Ending)
class OverviewAdmin(_ReadOnly, _EndingAdmin):
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "How enrollments end",
            "opts": self.opts,
            **overview_context(request.GET),
        }
        return TemplateResponse(request, "admin/enrollment_incidents/overview.html", context)


@admin.register(Incident)
class IncidentAdmin(_ReadOnly, _IncidentAdmin):
    list_display = ("at", "agency", "account", "upstream_status", "code", "outcome", "stage", "flow", "reference")
    list_display_links = ("at", "reference")
    list_filter = LIST_FILTERS
    list_per_page = 50
    # Each would read all incidents, of which there may be a million.
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    paginator = BoundedPaginator
    actions = None
    search_fields = ("reference",)
    search_help_text = "The reference as the rider reads it: spaces, dashes, case and look-alikes do not matter."
    fieldsets = (
        ("At a glance", {"fields": ("meaning", "enrolled", "tell", "action")}),
        ("The failure", {"fields": ("route", "upstream_status", "exception", "stage", "code", "seconds")}),
        ("More of it", {"fields": ("sentry_event", "same_reference", "same_cause", "around")}),
        (
            "For whom",
            {
                "fields": (
                    "reference",
                    "at",
                    "outcome",
                    "agency",
                    "flow",
                    "method",
                    "verified_by",
                    "side",
                    "account",
                    "processor",
                    "release",
                )
            },
        ),
    )
    readonly_fields = (
        "meaning",
        "enrolled",
        "tell",
        "action",
        "sentry_event",
        "same_reference",
        "same_cause",
        "around",
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        typed = request.GET.get("q", "").strip()
        if typed and self.has_view_permission(request):
            possible = readings(typed)
            found = list(Incident.objects.filter(reference__in=possible)[:2])
            if len(found) == 1:
                return redirect("admin:enrollment_incidents_incident_change", found[0].pk)
            if not found:
                messages.warning(request, _not_found(typed, bool(possible)))
                extra_context = {**(extra_context or {}), "near_matches": _near_matches(typed)}
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Incident], search_term: str
    ) -> tuple[QuerySet[Incident], bool]:
        return (queryset.filter(reference__in=readings(search_term)) if search_term else queryset), False

    @admin.display(description="what happened")
    def meaning(self, incident: Incident) -> str:
        return explained(incident.code).meaning

    @admin.display(description="whether the card is enrolled")
    def enrolled(self, incident: Incident) -> str:
        return briefing(incident.outcome, incident.code).enrolled

    @admin.display(description="what to tell the rider")
    def tell(self, incident: Incident) -> str:
        return briefing(incident.outcome, incident.code).tell

    @admin.display(description="what to do")
    def action(self, incident: Incident) -> str:
        return explained(incident.code).action

    @admin.display(description="Sentry event")
    def sentry_event(self, incident: Incident) -> str | SafeString:
        template = conf.get_settings().SENTRY_EVENT_URL
        if not template or not incident.sentry_event_id:
            return incident.sentry_event_id or "-"
        url = template.replace("{event_id}", incident.sentry_event_id)
        return format_html('<a href="{}">{}</a>', url, incident.sentry_event_id)

    @admin.display(description="same reference")
    def same_reference(self, incident: Incident) -> str | SafeString:
        """Of a region: what became of the other agencies, and of other tries."""
        others = Incident.objects.filter(reference=incident.reference).exclude(pk=incident.pk).order_by("at", "pk")
        links = format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            (
                (
                    reverse("admin:enrollment_incidents_incident_change", args=[other.pk]),
                    f"{other.agency}: {other.code}",
                )
                for other in others[:MOST_SHOWN]
            ),
        )
        return links or "-"

    @admin.display(description="same cause")
    def same_cause(self, incident: Incident) -> SafeString:
        url = incidents_url(
            code=incident.code,
            stage=incident.stage,
            upstream_status=incident.upstream_status,
            processor=incident.processor,
        )
        return format_html('<a href="{}">All incidents of this cause</a>', url)

    @admin.display(description="around it")
    def around(self, incident: Incident) -> SafeString:
        url = incidents_url(
            account=incident.account,
            at__gte=(incident.at - AROUND).isoformat(),
            at__lte=(incident.at + AROUND).isoformat(),
        )
        return format_html('<a href="{}">What else failed in the ten minutes before and after</a>', url)


def _near_matches(typed: str) -> list[tuple[Incident, str]]:
    """Incidents whose reference may have been misheard as ``typed``, the nearest first, with how it differs."""
    order = {reference: rank for rank, reference in enumerate(near(typed))}
    found = Incident.objects.filter(reference__in=order)[:MOST_SHOWN]
    nearest = sorted(found, key=lambda incident: order[incident.reference])
    return [(incident, difference(typed, incident.reference)) for incident in nearest]


def _not_found(typed: str, is_reference: bool) -> str:
    if not is_reference:
        return f"“{typed}” is no reference: it has nine letters and digits, such as H7P-2QX-9MR."
    return (
        f"No incident has the reference “{typed}”. It may be older than the {conf.get_settings().INCIDENTS_KEPT_DAYS} "
        "days for which incidents are kept, or one of many in an outage that were only counted: "
        "look for it in the log."
    )
