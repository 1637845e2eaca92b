"""Pages for operators: the findings of the watch, read-only, and the switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..doctor.diagnoses import diagnosed
from ..read_only import ReadOnly
from .forms import message_field, switch_form
from .models import Switch, Watched

if TYPE_CHECKING:
    _WatchedAdmin = admin.ModelAdmin[Watched]
    _SwitchAdmin = admin.ModelAdmin[Switch]
else:
    _WatchedAdmin = _SwitchAdmin = admin.ModelAdmin


@admin.register(Watched)
class WatchedAdmin(ReadOnly, _WatchedAdmin):
    list_display = ("account", "group_id", "agencies", "state", "since", "checked_at")
    list_filter = ("is_failure", "account")
    fields = (
        "account",
        "group_id",
        "agencies",
        "state",
        "cause",
        "advice",
        "detail",
        "since",
        "checked_at",
    )
    readonly_fields = ("state", "cause", "advice")
    actions = None

    @admin.display(description=_("state"))
    def state(self, found: Watched) -> str:
        if not found.diagnosis:
            return gettext("Well")
        words = gettext("Riders cannot enroll: %(why)s") if found.is_failure else gettext("Warning: %(why)s")
        return words % {"why": found.diagnosis}

    @admin.display(description=_("probable cause"))
    def cause(self, found: Watched) -> str:
        return gettext(diagnosed(found.diagnosis).cause) if found.diagnosis else "-"

    @admin.display(description=_("what to do"))
    def advice(self, found: Watched) -> str:
        return gettext(diagnosed(found.diagnosis).action) if found.diagnosis else "-"


@admin.register(Switch)
class SwitchAdmin(_SwitchAdmin):
    class Media:
        css = {"all": ["enrollment_errors/operators.css"]}

    list_display = ("where", "position", "begins", "ends", "holds", "set_by")
    list_filter = ("position", "account", "agency")
    readonly_fields = ("set_by", "set_at")
    actions = ("end_now",)

    def get_form(self, request: HttpRequest, obj: Switch | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=switch_form(), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Switch | None = None) -> Any:
        messages = [message_field(language) for language, _ in settings.LANGUAGES]
        sets = [
            (None, {"fields": ("account", "agency", "position", "begins", "ends")}),
            (_("While it is off"), {"fields": messages}),
        ]
        return sets if obj is None else [*sets, (_("Set"), {"fields": ("set_by", "set_at")})]

    def save_model(self, request: HttpRequest, obj: Switch, form: Any, change: bool) -> None:
        obj.set_by = request.user.get_username()
        super().save_model(request, obj, form, change)

    @admin.display(description=_("place"))
    def where(self, switch: Switch) -> str:
        return switch.place

    @admin.display(description=_("holds now"), boolean=True)
    def holds(self, switch: Switch) -> bool:
        return switch.begins <= now() and (switch.ends is None or now() < switch.ends)

    @admin.action(description=_("End the selected switches now"), permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[Switch]) -> None:
        moment = now()
        for switch in queryset:
            switch.end(moment)
