"""Pages for operators: the ledger, its sums and its export, everything known about a reference, and the form to take a
card out of a group.

Users with the permission ``enrollment_ledger.view_entry`` can view and export the ledger. Taking a card out of a group
requires ``enrollment_ledger.unlink_card``, and viewing these removals ``enrollment_ledger.view_unlink``. Nobody can
change any of the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from .. import conf
from ..catalogue import explained
from ..classification import classify
from ..exceptions import ConfigurationError, EnrollmentError, StatusError
from ..read_only import ReadOnly
from ..references import readings
from ..reporting.sentry_scrubbing import scrub_request
from ..spreadsheet import csv_lines
from .forms import UnlinkForm, Wish
from .history import histories
from .models import UNLINK_PERMISSION, Entry, Unlink
from .sums import HEAD, cells
from .sums_page import SumsForm, sums_context
from .unlinking import LinkUnderWay, find, unlink

if TYPE_CHECKING:
    _EntryAdmin = admin.ModelAdmin[Entry]
    _UnlinkAdmin = admin.ModelAdmin[Unlink]
else:
    _EntryAdmin = _UnlinkAdmin = admin.ModelAdmin

_LIST = "admin:enrollment_ledger_entry_changelist"
_EXPORT = "admin:enrollment_ledger_entry_export"
_REFERENCE = "admin:enrollment_ledger_entry_reference"
_ROWS_AT_ONCE = 2_000
_COLUMNS = (
    *("reference", "at", "day", "agency", "flow", "method", "verified_by", "account", "group_id", "code"),
    "expires_at",
)


@admin.register(Entry)
class EntryAdmin(ReadOnly, _EntryAdmin):
    class Media:
        css = {"all": ["enrollment_errors/operators.css"]}

    list_display = ("reference", "at", "agency", "flow", "method", "code", "expires_at")
    list_filter = ("agency", "flow", "method", "account", "code")
    date_hierarchy = "day"
    actions = None
    search_fields = ("reference",)
    search_help_text = _("The reference as the rider reads it: spaces, dashes, case and look-alikes do not matter.")
    fieldsets = (
        (None, {"fields": ("reference", "at", "code", "meaning", "expires_at")}),
        (_("For whom"), {"fields": ("agency", "flow", "method", "verified_by", "account", "group_id")}),
    )
    readonly_fields = ("meaning",)

    def get_urls(self) -> list[URLPattern]:
        pages = {"sums": self.sums, "export": self.export, "reference": self.reference}
        return [
            *(
                path(f"{name}/", self.admin_site.admin_view(page), name=f"enrollment_ledger_entry_{name}")
                for name, page in pages.items()
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A search leads to the page with everything known about that reference."""
        typed = request.GET.get("q", "").strip()
        if typed and self.has_view_permission(request):
            return redirect(f"{reverse(_REFERENCE)}?{urlencode({'q': typed})}")
        if conf.LEDGER_SINK not in conf.get_settings().SINKS:
            messages.warning(
                request,
                gettext("Nothing is written here: add %(sink)s to the setting SINKS.") % {"sink": conf.LEDGER_SINK},
            )
        export = f"{reverse(_EXPORT)}?{request.GET.urlencode()}"
        return super().changelist_view(request, {**(extra_context or {}), "export_url": export})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {"may_unlink": request.user.has_perm(UNLINK_PERMISSION)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **may})

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The filtered list, as CSV."""
        self._check(request)
        try:
            entries = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(_LIST)
        rows = (
            (
                entry.reference,
                localtime(entry.at).isoformat(timespec="seconds"),
                entry.day.isoformat(),
                entry.agency,
                entry.flow,
                entry.method,
                entry.verified_by,
                entry.account,
                entry.group_id,
                entry.code,
                entry.expires_at and localtime(entry.expires_at).isoformat(timespec="seconds"),
            )
            for entry in entries.iterator(chunk_size=_ROWS_AT_ONCE)
        )
        return _download("enrollments", _COLUMNS, rows)

    def sums(self, request: HttpRequest) -> HttpResponseBase:
        """The sums by month or day, agency and flow, as CSV if the query has ``as=csv``."""
        self._check(request)
        form = SumsForm(request.GET)
        if request.GET.get("as") == "csv" and form.is_valid():
            return _download("enrollment-sums", (form.cleaned_data["by"], *HEAD), map(cells, form.sums()))
        context = {**self._context(request, gettext("Sums of enrollments")), **sums_context(form)}
        return TemplateResponse(request, "admin/enrollment_ledger/sums.html", context)

    def reference(self, request: HttpRequest) -> HttpResponse:
        """Everything known about the reference in the query."""
        self._check(request)
        typed = request.GET.get("q", "").strip()
        context = {
            **self._context(request, gettext("What is known of a reference")),
            "typed": typed,
            "is_reference": bool(readings(typed)),
            "histories": histories(typed, request.user),
            "may_unlink": request.user.has_perm(UNLINK_PERMISSION),
            "incidents_kept_days": conf.get_settings().INCIDENTS_KEPT_DAYS,
        }
        return TemplateResponse(request, "admin/enrollment_ledger/reference.html", context)

    @admin.display(description=_("meaning"))
    def meaning(self, entry: Entry) -> str:
        return gettext(explained(entry.code).meaning)

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}


def _download(name: str, head: Any, rows: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        csv_lines(head, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _in_no_transaction(view: Any) -> Any:
    """No rollback can undo what was sent to a processor, so none may undo the record of it."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


@admin.register(Unlink)
class UnlinkAdmin(ReadOnly, _UnlinkAdmin):
    class Media:
        css = {"all": ["enrollment_errors/operators.css"]}

    list_display = ("at", "account", "group_id", "outcome", "by", "reference")
    list_filter = ("outcome", "account")
    date_hierarchy = None
    actions = None
    search_fields = ("reference", "by", "group_id")
    fields = ("at", "outcome", "code", "meaning", "account", "group_id", "by", "reason", "reference", "card")
    readonly_fields = ("meaning",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(UNLINK_PERMISSION)

    @admin.display(description=_("meaning"))
    def meaning(self, row: Unlink) -> str:
        return gettext(explained(row.code).meaning) if row.code else "-"

    @method_decorator(sensitive_post_parameters())
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Takes the first form, asks the processor about the card, and shows a second form, which contains the wish,
        sealed. Submitting that one removes the card."""
        scrub_request(request)
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "sealed" in request.POST:
            return self._do(request)
        if request.method != "POST":
            return self._ask(request, UnlinkForm(initial=request.GET.dict()))
        form = UnlinkForm(request.POST)
        if not form.is_valid():
            return self._ask(request, form)
        wish = form.wish
        try:
            link = find(wish.wanted)
        except (EnrollmentError, ConfigurationError) as error:
            if isinstance(error, StatusError) and error.status == 404 and error.stage is None:
                form.add_error("card", gettext("The processor does not know this card."))
            else:
                nothing = gettext("Nothing was changed: the processor cannot be asked.")
                form.add_error(None, " ".join((nothing, *_why(error))))
            return self._ask(request, form)
        if link is None:
            form.add_error(
                "group_id", gettext("The card is not in this group, says the processor: there is nothing to remove.")
            )
            return self._ask(request, form)
        context = {"wish": wish, "link": link, "sealed": wish.sealed(request.user)}
        return self._page(request, "confirm", gettext("Remove this card from the group?"), context)

    add_view = _in_no_transaction(add_view)

    def _do(self, request: HttpRequest) -> HttpResponse:
        wish = Wish.unsealed(request.POST["sealed"], request.user)
        if wish is None:
            messages.error(
                request, gettext("Nothing was changed: the page was open for too long. Please fill it in again.")
            )
            return redirect("admin:enrollment_ledger_unlink_add")
        try:
            row = unlink(
                wish.wanted, by=request.user.get_username()[:254], reason=wish.reason, reference=wish.reference
            )
        except LinkUnderWay:
            minutes = round(conf.get_settings().LINK_QUIET_TIME / 60)
            messages.error(
                request,
                gettext(
                    "Nothing was changed: an enrollment of this card into this group is under way, or its answer was "
                    "lost. Try again in %(minutes)s minutes."
                )
                % {"minutes": minutes},
            )
            return redirect("admin:enrollment_ledger_unlink_add")
        except ConfigurationError as error:
            messages.error(request, " ".join((gettext("Nothing was changed."), *_why(error))))
            return redirect("admin:enrollment_ledger_unlink_add")
        level = messages.SUCCESS if row.is_done else messages.ERROR
        messages.add_message(request, level, f"{wish.wanted.account}, {row.group_id}: {row.get_outcome_display()}.")
        if self.has_view_permission(request, row):
            return redirect("admin:enrollment_ledger_unlink_change", row.pk)
        return redirect("admin:index")

    def _ask(self, request: HttpRequest, form: UnlinkForm) -> HttpResponse:
        return self._page(request, "unlink", gettext("Remove a card from a group"), {"form": form})

    def _page(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
        everything = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/enrollment_ledger/{name}.html", everything)


def _why(error: Exception) -> tuple[str, str]:
    """The meaning and the advice of the code that a rider would get for the same failure."""
    code = classify(error, processor="", stage=None, site_rules=conf.get_settings().RULES).code
    about = explained(code)
    return gettext(about.meaning), gettext(about.action)
