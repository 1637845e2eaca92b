"""Read-only pages for operators: the overview of causes, and the incidents behind them, which operators find by the
rider's reference.

Viewing either requires the permission ``enrollment_incidents.view_incident``. Nobody can change them.
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
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..adapter import Agency
from ..catalogue import explained
from ..read_only import ReadOnly
from ..references import readings
from ..runbooks import runbook_url
from ..spreadsheet import csv_lines
from .briefing import briefing
from .chart import LABELS
from .contacts import agencies, agency_contact, support_contact
from .filters import LIST_FILTERS, BoundedPaginator, incidents_url
from .models import VIEW_PERMISSION, Ending, Incident
from .near import difference, near
from .page import HEAD, overview_context, spreadsheet
from .words import SIDES, code_words, method_words, sentence, step_words

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
        """The overview, as CSV if the query has ``as=csv``."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.GET.get("as") == "csv":
            return HttpResponse(
                "".join(csv_lines(HEAD, spreadsheet(request.GET))),  # short: at most 60 lines for each row of the page
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": 'attachment; filename="how-enrollments-end.csv"'},
            )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("How enrollments end"),
            "opts": self.opts,
            **overview_context(request.GET),
        }
        return TemplateResponse(request, "admin/enrollment_incidents/overview.html", context)


@admin.register(Incident)
class IncidentAdmin(_ReadOnly, _IncidentAdmin):
    list_display = ("when", "whose", "what", "ending", "shown_reference")
    list_display_links = ("when", "shown_reference")
    list_filter = LIST_FILTERS
    list_per_page = 50
    # Sorting, facets and a full count would each read all incidents, and there may be a million.
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    paginator = BoundedPaginator
    actions = None
    search_fields = ("reference",)
    search_help_text = _("The reference as the rider reads it: spaces, dashes, case and look-alikes do not matter.")
    fieldsets = (
        (_("At a glance"), {"fields": ("happened", "enrolled", "tell", "action", "call")}),
        (_("More of it"), {"fields": ("sentry_event", "same_reference", "same_cause", "around")}),
        (_("The failure"), {"fields": ("code", "step", "route", "upstream_status", "exception", "seconds")}),
        (
            _("For whom"),
            {
                "fields": (
                    "reference",
                    "at",
                    "ending",
                    "agency",
                    "flow",
                    "how",
                    "verified_by",
                    "seen_by",
                    "account",
                    "processor",
                    "release",
                )
            },
        ),
    )
    readonly_fields = (
        "happened",
        "enrolled",
        "tell",
        "action",
        "call",
        "step",
        "ending",
        "how",
        "seen_by",
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

    @admin.display(description=_("time"))
    def when(self, incident: Incident) -> SafeString:
        at = localtime(incident.at)
        day, time = (formats.date_format(at, name) for name in ("DATE_FORMAT", "TIME_FORMAT"))
        return format_html('<span class="enrollment-whole">{}<br>{}</span>', day, time)

    @admin.display(description=_("agency, account"))
    def whose(self, incident: Incident) -> SafeString:
        return format_html(
            "<strong>{}</strong><br>{}",
            incident.agency or gettext("no agency"),
            incident.account or gettext("no account"),
        )

    @admin.display(description=_("what happened"))
    def what(self, incident: Incident) -> SafeString:
        where = ", ".join(filter(None, [step_words(incident.stage), _status(incident)]))
        return format_html("<strong>{}</strong><br>{}", code_words(incident.code), where or "-")

    @admin.display(description=_("outcome"))
    def ending(self, incident: Incident) -> str:
        return str(LABELS.get(incident.outcome, incident.outcome))

    @admin.display(description=_("reference"))
    def shown_reference(self, incident: Incident) -> SafeString:
        return format_html('<span class="enrollment-whole">{}</span>', incident.reference)

    @admin.display(description=_("step"))
    def step(self, incident: Incident) -> str:
        return step_words(incident.stage) or "-"

    @admin.display(description=_("method"))
    def how(self, incident: Incident) -> str:
        return method_words(incident.method) or "-"

    @admin.display(description=_("seen by"))
    def seen_by(self, incident: Incident) -> str:
        return str(SIDES.get(incident.side, incident.side))

    @admin.display(description=_("what happened"))
    def happened(self, incident: Incident) -> str:
        return sentence(incident, _agency(incident))

    @admin.display(description=_("whether the card is enrolled"))
    def enrolled(self, incident: Incident) -> str:
        return str(briefing(incident.outcome, incident.code).enrolled)

    @admin.display(description=_("what to tell the rider"))
    def tell(self, incident: Incident) -> str:
        return str(briefing(incident.outcome, incident.code).tell)

    @admin.display(description=_("what to do"))
    def action(self, incident: Incident) -> str | SafeString:
        action = gettext(explained(incident.code).action)
        url = runbook_url(incident.code)
        return format_html('{} <a href="{}">{}</a>', action, url, gettext("Your runbook")) if url else action

    @admin.display(description=_("who to call"))
    def call(self, incident: Incident) -> str | SafeString:
        agency = _agency(incident)
        contacts = [
            (agency.name if agency else "", agency_contact(agency) if agency else ""),
            (
                gettext("Support of %(processor)s") % {"processor": incident.processor} if incident.processor else "",
                support_contact(incident.account, incident.processor),
            ),
        ]
        known = format_html_join("", "<li>{}: {}</li>", (contact for contact in contacts if all(contact)))
        return format_html('<ul class="enrollment-contacts">{}</ul>', known) if known else "-"

    @admin.display(description=_("Sentry event"))
    def sentry_event(self, incident: Incident) -> str | SafeString:
        template = conf.get_settings().SENTRY_EVENT_URL
        if not template or not incident.sentry_event_id:
            return incident.sentry_event_id or "-"
        url = template.replace("{event_id}", incident.sentry_event_id)
        return format_html('<a href="{}">{}</a>', url, incident.sentry_event_id)

    @admin.display(description=_("same reference"))
    def same_reference(self, incident: Incident) -> str | SafeString:
        """The other incidents with this reference, such as those of a region's other agencies or of other tries."""
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

    @admin.display(description=_("same cause"))
    def same_cause(self, incident: Incident) -> SafeString:
        url = incidents_url(
            code=incident.code,
            stage=incident.stage,
            upstream_status=incident.upstream_status,
            processor=incident.processor,
        )
        return format_html('<a href="{}">{}</a>', url, gettext("All incidents of this cause"))

    @admin.display(description=_("around it"))
    def around(self, incident: Incident) -> SafeString:
        of_account = {"account": incident.account} if incident.account else {}
        url = incidents_url(**of_account, at__gte=incident.at - AROUND, at__lte=incident.at + AROUND)
        return format_html('<a href="{}">{}</a>', url, gettext("What else failed in the ten minutes before and after"))


def _agency(incident: Incident) -> Agency | None:
    """Looked up once for each incident, because two fields need it."""
    kept = vars(incident)
    if "enrollment_agency" not in kept:
        kept["enrollment_agency"] = agencies().get(incident.agency)
    agency: Agency | None = kept["enrollment_agency"]
    return agency


def _status(incident: Incident) -> str:
    status = incident.upstream_status
    return gettext("status %(status)s") % {"status": status} if status else ""


def _near_matches(typed: str) -> list[tuple[Incident, str]]:
    """Incidents whose reference may have been misheard as ``typed``, and how each differs, the nearest first."""
    order = {reference: rank for rank, reference in enumerate(near(typed))}
    found = Incident.objects.filter(reference__in=order)[:MOST_SHOWN]
    nearest = sorted(found, key=lambda incident: order[incident.reference])
    return [(incident, difference(typed, incident.reference)) for incident in nearest]


def _not_found(typed: str, is_reference: bool) -> str:
    if not is_reference:
        return gettext("“%(typed)s” is no reference: it has nine letters and digits, such as H7P-2QX-9MR.") % {
            "typed": typed
        }
    return gettext(
        "No incident has the reference “%(typed)s”. It may be older than the %(days)s days for which incidents are "
        "kept, or one of many in an outage that were only counted: look for it in the log."
    ) % {"typed": typed, "days": conf.get_settings().INCIDENTS_KEPT_DAYS}
