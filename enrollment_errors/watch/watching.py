"""The watch examines each account without a rider, keeps what it finds, and reports changes. Enrolls nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.utils.timezone import now

from .. import conf
from ..account_directory import account_names
from ..adapter import Enrollment
from ..clock import SYSTEM_CLOCK
from ..doctor.diagnoses import Level
from ..doctor.examination import ENVIRONMENT, SHARED_TOKEN, Finding, enrollments_of, examine_account
from ..reporting import alerts
from ..reporting.sentry import checked_in
from . import known, telling
from .models import Watched

MONITOR = "enrollment-watch"
SECOND_LOOK = 10.0
"""Seconds before a new failure is checked again."""


def watch(accounts: Collection[str] = ()) -> list[Watched]:
    """Examine all accounts once, or only those named. Returns the state of each account and group that it could
    examine.

    Raises what the database raises, and what ``account_names`` raises.
    """
    with checked_in(MONITOR, minutes=max(1, round(conf.get_settings().WATCH_EVERY / 60))):
        names = list(accounts) or account_names()
        found = [watched for name in names for watched in _look_at(name, enrollments_of(name))]
        if not accounts:
            Watched.objects.exclude(account__in=names).delete()
    return found


def _look_at(account: str, enrollments: Collection[Enrollment]) -> list[Watched]:
    findings = _examined(account, enrollments)
    agencies = ", ".join(sorted({enrollment.agency.slug for enrollment in enrollments}))[:500]
    groups = list(dict.fromkeys(finding.group for finding in findings))  # "" comes first: the account itself
    Watched.objects.filter(account=account).exclude(group_id__in=groups).delete()
    moment = now()
    kept = []
    for group in groups:
        of_group = [finding for finding in findings if finding.group == group]
        if any(finding.was_tried for finding in of_group):
            kept.append(_keep(account, group, agencies, _worst(of_group), moment))
    if not kept[0].is_failure:
        alerts.is_well(account)
    return kept


def _examined(account: str, enrollments: Collection[Enrollment]) -> list[Finding]:
    """If something has begun to fail, examines the account a second time: a few seconds are not an outage."""
    findings = _looked(account, enrollments)
    failing: dict[str, str] = {}
    for finding in findings:
        if finding.level is Level.FAILURE:
            failing.setdefault(finding.group, finding.diagnosis)
    if failing.items() - Watched.objects.filter(account=account).values_list("group_id", "diagnosis"):
        SYSTEM_CLOCK.sleep(SECOND_LOOK)
        findings = _looked(account, enrollments)
    return findings


def _looked(account: str, enrollments: Collection[Enrollment]) -> list[Finding]:
    return list(examine_account(account, enrollments, left_out=[SHARED_TOKEN, ENVIRONMENT]))


def _worst(findings: Iterable[Finding]) -> Finding | None:
    wrong = [finding for finding in findings if finding.diagnosis]
    return next((finding for finding in wrong if finding.level is Level.FAILURE), wrong[0] if wrong else None)


def _keep(account: str, group: str, agencies: str, worst: Finding | None, moment: datetime) -> Watched:
    before, _ = Watched.objects.get_or_create(
        account=account, group_id=group, defaults={"since": moment, "checked_at": moment}
    )
    after = Watched(
        pk=before.pk,
        account=account,
        group_id=group,
        agencies=agencies,
        diagnosis=worst.diagnosis if worst else "",
        is_failure=worst is not None and worst.level is Level.FAILURE,
        detail=worst.detail[:500] if worst else "",
        since=before.since,
        checked_at=moment,
        told=before.told,
    )
    has_ended = _has_ended(before, after)
    if has_ended or (before.is_failure, not before.diagnosis) != (after.is_failure, not after.diagnosis):
        after.since = moment
    if has_ended:  # a warning that remains, and was told, stays told
        after.told = after.diagnosis if after.diagnosis in before.told.split() else ""
    is_news = after.diagnosis not in ("", *after.told.split())
    if is_news:
        after.told = f"{after.told} {after.diagnosis}".strip()
    as_it_was = Watched.objects.filter(pk=before.pk, diagnosis=before.diagnosis, told=before.told)
    values = {name: getattr(after, name) for name in _CHANGING}
    if as_it_was.update(**values) and (has_ended or is_news):  # otherwise another run was faster, and told
        known.forget()
        if has_ended:
            telling.over(after, before.diagnosis, moment - before.since)
        if is_news:
            telling.began(after)
    return after


_CHANGING = ("agencies", "diagnosis", "is_failure", "detail", "since", "checked_at", "told")


def _has_ended(before: Watched, after: Watched) -> bool:
    """An outage is over when riders can enroll again; a warning is over when nothing is wrong."""
    return before.is_failure > after.is_failure or bool(before.diagnosis and not after.diagnosis)
