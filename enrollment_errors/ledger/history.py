"""Everything known about a reference: what happened, in order, and the state that results from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..catalogue import explained
from ..outcomes import Outcome
from ..pages import PAGES
from ..references import readings
from .models import Entry, Removal, Unlink


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened. ``facts`` are pairs of a label and a value; ``row`` is the record, and ``url`` leads to
    it in the admin."""

    at: datetime
    what: str
    facts: Sequence[tuple[str, str]]
    row: Any
    url: str


@dataclass(frozen=True, kw_only=True)
class History:
    """``steps`` begin with the oldest. ``state`` is a sentence."""

    reference: str
    steps: Sequence[Step]

    @property
    def state(self) -> str:
        """The sentence of the newest step that has one. If none has, the outcome of the last step decides."""
        said = next(filter(None, (_said_by(step) for step in reversed(self.steps))), "")
        if said:
            return said
        return str(_LOST if self.steps[-1].row.outcome == Outcome.UNKNOWN.value else _NOT_ENROLLED)

    @property
    def entry(self) -> Entry | None:
        """The newest entry of the ledger, if there is one."""
        return next((step.row for step in reversed(self.steps) if isinstance(step.row, Entry)), None)


_NOT_ENROLLED = _("Not enrolled under this reference. The rider may have tried again, under another one.")
_LOST = _("Not known: the answer to the link was lost. The rider can check again.")
_SENT = _("A link was sent, and its answer was not heard by then.")
_SETTLED = {
    "open": _("Not known yet: the answer to the link was not heard. The processor will be asked again."),
    "linked": _("Enrolled: the processor says that the card is in the group."),
    "finishing": _("Not enrolled yet: the rider was told that we will add the card once the processor answers again."),
    "not_linked": _NOT_ENROLLED,
    "not_finished": _("Not enrolled: we told the rider that we would add the card later, and could not."),
    "canceled": _("Not enrolled: the rider canceled it."),
    "expired": _("Not known: the processor could not be asked in time. Ask it yourself."),
}
"""The sentence for each state of a sent link."""


def _said_by(step: Step) -> str:
    """The sentence of this step; empty if it does not decide the state, such as an incident or a failed removal."""
    row = step.row
    if isinstance(row, Entry):
        return _state_of(row)
    if isinstance(row, Unlink):
        if row.is_done:
            return gettext("Not enrolled: on %(day)s the card was taken out of the group.") % {"day": _text(step.at)}
        is_unknown = row.outcome == Removal.UNKNOWN.value
        return (
            gettext("Not known: the card may have been taken out of the group. Ask the processor.")
            if is_unknown
            else ""
        )
    return str(_SETTLED[row.state]) if row._meta.label == "enrollment_settling.SentLink" else ""


def _state_of(entry: Entry) -> str:
    if entry.expires_at is None:
        return gettext("Enrolled, without an expiry.")
    if entry.expires_at <= now():
        return gettext("Not enrolled any more: on %(day)s it expired.") % {"day": _text(entry.expires_at)}
    return gettext("Enrolled: until %(day)s the rider pays the reduced fare.") % {"day": _text(entry.expires_at)}


def histories(typed: str, user: Any) -> list[History]:
    """The history of each reference that the typed text can mean, usually only one. The caller checks that ``user``
    may view the ledger; this leaves out other records that ``user`` may not view."""
    found: dict[str, list[Step]] = defaultdict(list)
    for step in _steps(readings(typed), user):
        found[step.row.reference].append(step)
    return [
        History(reference=reference, steps=sorted(steps, key=lambda step: step.at))
        for reference, steps in sorted(found.items())
    ]


def _steps(references: Sequence[str], user: Any) -> Iterator[Step]:
    for entry in Entry.objects.filter(reference__in=references):
        yield _enrolled(entry)
    if user.has_perm("enrollment_ledger.view_unlink"):
        for unlink in Unlink.objects.filter(reference__in=references):
            yield _unlinked(unlink)
    if apps.is_installed("enrollment_errors.incidents") and user.has_perm("enrollment_incidents.view_incident"):
        for incident in apps.get_model("enrollment_incidents", "Incident").objects.filter(reference__in=references):
            yield _failed(incident)
    if apps.is_installed("enrollment_errors.settling") and user.has_perm("enrollment_settling.view_sentlink"):
        for sent in apps.get_model("enrollment_settling", "SentLink").objects.filter(reference__in=references):
            yield _sent(sent)


def _enrolled(entry: Entry) -> Step:
    facts = [
        (gettext("Code"), entry.code),
        (gettext("Agency and flow"), f"{entry.agency}, {entry.flow}"),
        (gettext("Account and group"), f"{entry.account}, {entry.group_id}"),
        (gettext("Method"), entry.method),
        (gettext("Expires"), gettext("never") if entry.expires_at is None else _text(entry.expires_at)),
    ]
    said = (gettext("Enrolled."), gettext(explained(entry.code).meaning))
    return _step(entry, " ".join(said), facts)


def _unlinked(unlink: Unlink) -> Step:
    facts = [
        (gettext("By"), unlink.by),
        (gettext("Reason"), unlink.reason),
        (gettext("Account and group"), f"{unlink.account}, {unlink.group_id}"),
        *([(gettext("Code"), unlink.code)] if unlink.code else []),
    ]
    return _step(
        unlink,
        gettext("Removal of the card from the group: %(outcome)s.") % {"outcome": unlink.get_outcome_display()},
        facts,
    )


def _failed(incident: Any) -> Step:
    """Not typed as ``Incident``, because its app may not be installed."""
    number = incident.upstream_status
    status = gettext("status %(status)s") % {"status": number} if number else ""
    facts = [
        (gettext("Outcome"), gettext(PAGES[Outcome(incident.outcome)].label)),
        (gettext("Code"), ", ".join(filter(None, (incident.code, status)))),
        (gettext("Agency and flow"), f"{incident.agency or '-'}, {incident.flow or '-'}"),
        (gettext("What to do"), gettext(explained(incident.code).action)),
    ]
    return _step(incident, gettext(explained(incident.code).meaning), facts)


def _sent(sent: Any) -> Step:
    """Not typed as ``SentLink``, because its app may not be installed."""
    facts = [
        (gettext("State"), sent.get_state_display()),
        (gettext("Agency and flow"), f"{sent.agency or '-'}, {sent.flow or '-'}"),
        *([(gettext("Asked again"), _text(sent.next_at))] if sent.next_at else []),
        *([(gettext("Ended"), _text(sent.ended_at))] if sent.ended_at else []),
    ]
    what = gettext("We told the rider that we would add the card later.") if sent.finishing else str(_SENT)
    return _step(sent, what, facts, at=sent.opened_at)


def _step(row: Any, what: str, facts: Sequence[tuple[str, str]], *, at: datetime | None = None) -> Step:
    name = "admin:" + "_".join((row._meta.app_label, row._meta.model_name, "change"))
    return Step(at=at or row.at, what=what, facts=facts, row=row, url=reverse(name, args=[row.pk]))


def _text(moment: datetime) -> str:
    return date_format(localtime(moment), "DATETIME_FORMAT")
