"""What operators read in place of the names that the code and the database have."""

from __future__ import annotations

from django.utils.dateformat import format as format_date
from django.utils.formats import date_format
from django.utils.timezone import localtime

from ..adapter import Agency, Method
from ..catalogue import explained
from ..outcomes import Outcome, Side, Stage
from .models import Incident

_CAPITALS = {"csrf": "CSRF", "json": "JSON", "tls": "TLS", "url": "URL"}

STEPS = {
    Stage.SITE.value: "before any call",
    Stage.AUTHORIZATION.value: "signing in to the processor",
    Stage.TOKENIZATION.value: "getting access to the card form",
    Stage.CARD_FORM.value: "card form",
    Stage.LOOKUP.value: "looking up the card",
    Stage.LINK.value: "linking the card",
    Stage.GROUPS.value: "asking for the card’s groups",
    Stage.EXPIRY.value: "changing the expiry",
}
METHODS = {Method.SELF_SERVICE.value: "self-service", Method.IN_PERSON.value: "in person"}
SIDES = {Side.BACKEND.value: "the server", Side.FRONTEND.value: "the rider’s browser"}

_ENDED = {
    Outcome.SUCCESS.value: "succeeded, with a doubt",
    Outcome.TOO_EARLY.value: "was refused as too early",
    Outcome.RETRY.value: "did not get past the card form",
    Outcome.UNFINISHED.value: "was not finished",
    Outcome.UNKNOWN.value: "may have failed",
}


def code_words(code: str) -> str:
    """``processor_tls_failed``: "Processor TLS failed". A code of the site's own rules as well."""
    first, *others = (_CAPITALS.get(word, word) for word in code.split("_"))
    return " ".join([first[:1].upper() + first[1:], *others])


def step_words(stage: str) -> str:
    return STEPS.get(stage, stage)


def method_words(method: str) -> str:
    return METHODS.get(method, method)


def sentence(incident: Incident, agency: Agency | None) -> str:
    """What happened, when, for whom and at which step; then what it means."""
    at = localtime(incident.at)
    moment = f"{date_format(at, 'DATETIME_FORMAT')} {format_date(at, 'T')}"
    name = agency.name if agency else incident.agency
    whose = f" for {name}" if name else ""
    account = f" with the account {incident.account}" if incident.account else ""
    ended = _ENDED.get(incident.outcome, "failed")
    step = f" at the step “{STEPS[incident.stage]}”" if incident.stage in STEPS else ""
    status = f" (status {incident.upstream_status})" if incident.upstream_status else ""
    meaning = explained(incident.code).meaning
    return f"{moment}: an enrollment{whose}{account} {ended}{step}{status}. {meaning}"
