"""Tells ``availability`` what the watch has found, and which switches operators have set."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format as format_date
from django.utils.timezone import localtime, now
from django.utils.translation import get_language, gettext

from .. import conf
from ..account_directory import account_names
from ..availability import Availability, Notice, Source, Target
from ..doctor.diagnoses import diagnosed
from ..glance import Glance
from .known import known
from .models import Switch, Watched, message_in


def believed_for() -> timedelta:
    """How long a finding of the watch counts: three times ``WATCH_EVERY``."""
    return timedelta(seconds=3 * conf.get_settings().WATCH_EVERY)


class WatchSource(Source):
    def get_switch(self, target: Target, glance: Glance | None = None) -> Availability | None:
        moment = now()
        for row in known(glance)["switches"]:  # the one set last comes first
            if (
                row["account"] in ("", target.account)
                and row["agency"] in ("", target.agency)
                and row["begins"] <= moment
                and (row["ends"] is None or moment < row["ends"])
            ):
                is_off = row["position"] == "off"
                return Availability(
                    is_available=not is_off,
                    why="switched_off" if is_off else "",
                    since=row["begins"],
                    until=row["ends"],
                    message=message_in(row["messages"], get_language() or "") if is_off else "",
                    set_by=row["set_by"],
                )
        return None

    def get_finding(self, target: Target) -> Availability | None:
        oldest = now() - believed_for()
        for row in known()["findings"]:  # the account's own finding comes first
            is_meant = row["account"] == target.account and row["group_id"] in ("", target.group_id)
            if is_meant and row["checked_at"] >= oldest:
                return Availability(is_available=False, why=row["diagnosis"], since=row["since"])
        return None

    def get_notices(self) -> list[Notice]:
        return [*_of_switches(), *_of_findings(), *_of_the_watch()]


def _of_switches() -> list[Notice]:
    moment = now()
    return [
        Notice(
            account=switch.account,
            why=f"switched_{switch.position}",
            text=_said(switch, moment),
            since=switch.begins if switch.begins <= moment else None,
            url=_url("switch_change", switch.pk),
        )
        for switch in Switch.objects.filter(Q(ends=None) | Q(ends__gt=moment)).order_by("begins")
    ]


def _said(switch: Switch, moment: datetime) -> str:
    is_ahead = switch.begins > moment
    if switch.position == "off":
        if is_ahead:
            words = gettext("Enrollment for %(place)s will be off from %(begins)s %(until)s, set by %(user)s.")
        else:
            words = gettext("Enrollment for %(place)s is off %(until)s, set by %(user)s.")
    elif is_ahead:
        words = gettext("Enrollment for %(place)s will be on from %(begins)s %(until)s, set by %(user)s.")
    else:
        words = gettext("Enrollment for %(place)s is on %(until)s, set by %(user)s.")
    until = (
        gettext("until %(moment)s") % {"moment": _time(switch.ends)} if switch.ends else gettext("until further notice")
    )
    return words % {
        "place": switch.place,
        "begins": _time(switch.begins),
        "until": until,
        "user": switch.set_by or gettext("nobody known"),
    }


def _time(moment: datetime) -> str:
    return format_date(localtime(moment), "DATETIME_FORMAT")


def _of_findings() -> list[Notice]:
    return [
        Notice(
            account=found.account,
            why=found.diagnosis,
            text=gettext(diagnosed(found.diagnosis).cause),
            advice=gettext(diagnosed(found.diagnosis).action),
            detail=found.detail,
            since=found.since,
            url=_url("watched_change", found.pk),
            is_failure=found.is_failure,
        )
        for found in Watched.objects.exclude(diagnosis="")
    ]


def _of_the_watch() -> list[Notice]:
    recent = Watched.objects.filter(group_id="", checked_at__gte=now() - believed_for())
    missed = sorted(set(account_names()) - set(recent.values_list("account", flat=True)))
    if not missed:
        return []
    last = Watched.objects.filter(account__in=missed).order_by("checked_at").values_list("checked_at", flat=True).last()
    return [
        Notice(
            account="",
            why="watch_stopped",
            text=gettext("The watch does not look at %(accounts)s: nobody knows whether riders can enroll there.")
            % {"accounts": ", ".join(missed)},
            advice=gettext("Run manage.py watch_enrollment every few minutes; see its output if you do."),
            since=last,
            url=_url("watched_changelist"),
        )
    ]


def _url(page: str, *args: int) -> str:
    try:
        return reverse(f"admin:enrollment_watch_{page}", args=args)
    except NoReverseMatch:  # a site without the admin
        return ""
