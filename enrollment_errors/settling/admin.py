"""For operators, read-only: links that are sent and not settled yet, and those that the sweep brought to an end.

Whoever has the permission ``enrollment_settling.view_sentlink`` sees them, and may have the processor asked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ..read_only import ReadOnly
from ..references import readings
from ..reporting.sentry_scrubbing import scrub_request
from .models import SentLink, State
from .sweep import ask_now
from .swept import WAITING

if TYPE_CHECKING:
    _SentLinkAdmin = admin.ModelAdmin[SentLink]
else:
    _SentLinkAdmin = admin.ModelAdmin

_ANSWERS = {
    str(State.LINKED): (messages.SUCCESS, _("The card is in the group: the rider is enrolled.")),
    str(State.NOT_LINKED): (messages.SUCCESS, _("The card is not in the group, and nothing is at work any more.")),
    str(State.EXPIRED): (
        messages.ERROR,
        _("It is not known, and it is too late to ask again: ask the processor yourself."),
    ),
    WAITING: (messages.WARNING, _("It is not known yet. It will be asked about again by itself.")),
}
_NOT_NOW = (
    messages.WARNING,
    _("Nothing was asked: it has ended, waits to be finished for the rider, or another request about it is under way."),
)


@admin.register(SentLink)
class SentLinkAdmin(ReadOnly, _SentLinkAdmin):
    class Media:
        css = {"all": ["enrollment_errors/operators.css"]}

    list_display = ("reference", "state", "opened_at", "next_at", "asked", "agency", "flow", "account")
    list_filter = ("state", "account", "agency")
    fields = (
        "reference",
        "state",
        "opened_at",
        "next_at",
        "asked",
        "ended_at",
        "finish_until",
        "agency",
        "flow",
        "method",
        "account",
    )
    actions = None
    search_fields = ("reference",)
    search_help_text = _("The reference as the rider reads it: spaces, dashes, case and look-alikes do not matter.")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.filter(reference__in=readings(search_term)) if search_term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        ask = path("<int:pk>/ask/", self.admin_site.admin_view(self.ask), name="enrollment_settling_sentlink_ask")
        return [ask, *super().get_urls()]

    @method_decorator(require_POST)
    def ask(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the processor what became of this link. Sends nothing to it."""
        scrub_request(request)
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        end = ask_now(row)
        messages.add_message(request, *(_NOT_NOW if end is None else _ANSWERS[str(end)]))
        return redirect("admin:enrollment_settling_sentlink_change", pk)
