"""The words that operators read instead of the names in the code and the database."""

from __future__ import annotations

from django.utils.dateformat import format as format_date
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..adapter import Agency, Method
from ..catalogue import explained
from ..outcomes import Outcome, Side, Stage
from .models import Incident

STEPS = {
    Stage.SITE.value: _("before any call"),
    Stage.AUTHORIZATION.value: _("signing in to the processor"),
    Stage.TOKENIZATION.value: _("getting access to the card form"),
    Stage.CARD_FORM.value: _("card form"),
    Stage.LOOKUP.value: _("looking up the card"),
    Stage.LINK.value: _("linking the card"),
    Stage.GROUPS.value: _("asking for the card’s groups"),
    Stage.EXPIRY.value: _("changing the expiry"),
}
METHODS = {Method.SELF_SERVICE.value: _("self-service"), Method.IN_PERSON.value: _("in person")}
SIDES = {Side.BACKEND.value: _("the server"), Side.FRONTEND.value: _("the rider’s browser")}

_ENDED = {
    Outcome.SUCCESS.value: _("succeeded, with a doubt"),
    Outcome.TOO_EARLY.value: _("was refused as too early"),
    Outcome.RETRY.value: _("did not get past the card form"),
    Outcome.UNFINISHED.value: _("was not finished"),
    Outcome.UNKNOWN.value: _("may have failed"),
}


def code_words(code: str) -> str:
    return gettext(explained(code).label)


def step_words(stage: str) -> str:
    return str(STEPS.get(stage, stage))


def method_words(method: str) -> str:
    return str(METHODS.get(method, method))


def sentence(incident: Incident, agency: Agency | None) -> str:
    """What happened, when, for whom and at which step; then what it means."""
    at = localtime(incident.at)
    moment = f"{date_format(at, 'DATETIME_FORMAT')} {format_date(at, 'T')}"
    name = agency.name if agency else incident.agency
    account, status = incident.account, incident.upstream_status
    parts = [
        gettext("%(moment)s: an enrollment") % {"moment": moment},
        gettext("for %(agency)s") % {"agency": name} if name else "",
        gettext("with the account %(account)s") % {"account": account} if account else "",
        str(_ENDED.get(incident.outcome, _("failed"))),
        gettext("at the step “%(step)s”") % {"step": STEPS[incident.stage]} if incident.stage in STEPS else "",
        gettext("(status %(status)s)") % {"status": status} if status else "",
    ]
    return f"{' '.join(filter(None, parts))}. {gettext(explained(incident.code).meaning)}"
