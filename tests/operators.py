"""Every page of operators, and at least one of everything that an operator can look at there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from django.utils.timezone import now

from enrollment_errors.accounts.models import Account
from enrollment_errors.incidents.models import Incident
from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.watch.models import Switch, Watched
from tests.incidents.conftest import ended
from tests.incidents.conftest import facts as of_a_failure
from tests.ledger.conftest import enrolled, unlinked
from tests.rider import CARD_TOKEN

LITTLEPAY = "enrollment_errors.processors.littlepay.LittlepayProcessor"
GROUP = "group-seniors"
A_CODE_EACH = {
    "processor_error": "system_error",
    "switched_off": "system_error",
    "link_not_finished": "system_error",
    "unexpected_error": "server_error",
    "link_answer_lost": "unknown",
    "card_refused": "retry",
    "card_form_cancelled": "unfinished",
    "reenrollment_too_early": "too_early",
    "already_linked_elsewhere": "success",
    "of_the_site": "server_error",
}
"""One code for each way in which an incident's page can differ, with its outcome."""

PAGES: dict[str, str] = {
    "the first page": "/admin/",
    "overview": "/admin/enrollment_incidents/ending/",
    "overview of an hour": "/admin/enrollment_incidents/ending/?period=hour&show=all",
    "incidents": "/admin/enrollment_incidents/incident/",
    "incidents, narrowed": "/admin/enrollment_incidents/incident/?hours=24&side=backend",
    "incidents, not found": "/admin/enrollment_incidents/incident/?q=H7P-2QX-9MT",
    "incidents, no reference": "/admin/enrollment_incidents/incident/?q=H7",
    **{
        f"incident: {code}": f"/admin/enrollment_incidents/incident/{{incidents[{code}]}}/change/"
        for code in A_CODE_EACH
    },
    "ledger": "/admin/enrollment_ledger/entry/",
    "sums by month": "/admin/enrollment_ledger/entry/sums/",
    "sums by day": "/admin/enrollment_ledger/entry/sums/?by=day",
    "sums, wrong way round": "/admin/enrollment_ledger/entry/sums/?since=2026-11-02&until=2026-11-01",
    "reference": "/admin/enrollment_ledger/entry/reference/?q=H7P-2QX-9MR",
    "reference with an expiry": "/admin/enrollment_ledger/entry/reference/?q=H7P-2QX-9MV",
    "reference, unknown": "/admin/enrollment_ledger/entry/reference/?q=H7P-2QX-9MT",
    "reference, unreadable": "/admin/enrollment_ledger/entry/reference/?q=H7",
    "removed cards": "/admin/enrollment_ledger/unlink/",
    "removed card": "/admin/enrollment_ledger/unlink/{unlink}/change/",
    "removal": "/admin/enrollment_ledger/unlink/add/",
    "sent links": "/admin/enrollment_settling/sentlink/",
    "sent link": "/admin/enrollment_settling/sentlink/{link}/change/",
    "accounts": "/admin/enrollment_accounts/account/",
    "account": "/admin/enrollment_accounts/account/{account}/change/",
    "new account": "/admin/enrollment_accounts/account/add/",
    "switches": "/admin/enrollment_watch/switch/",
    "switch": "/admin/enrollment_watch/switch/{switch}/change/",
    "new switch": "/admin/enrollment_watch/switch/add/",
    "findings": "/admin/enrollment_watch/watched/",
    "finding": "/admin/enrollment_watch/watched/{watched}/change/",
}
"""Addresses by title, with holes for what ``one_of_everything`` returns."""

EMPTY = ("overview", "incidents", "ledger", "sums by month", "sent links", "accounts", "switches", "findings")
"""Pages that say so where there is nothing yet."""

SETTINGS: dict[str, Any] = {
    "RUNBOOK_URLS": {"*": "https://runbooks.example/{code}"},
    "SUPPORT_CONTACTS": {"littlepay": "(555) 010-0142"},
}
"""What a site tells its operators beyond the test site's settings."""

BEGINS = {"begins_0": "2026-11-02", "begins_1": "10:00"}
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "removal, to be confirmed": ("/admin/enrollment_ledger/unlink/add/", {}),
    "removal of an unknown card": ("/admin/enrollment_ledger/unlink/add/", {"card": "not there"}),
    "removal from another group": ("/admin/enrollment_ledger/unlink/add/", {"group_id": "another"}),
    "removal, unreadable": (
        "/admin/enrollment_ledger/unlink/add/",
        {"reference": "H7", "group_id": "..", "card": ".."},
    ),
    "removal, open for too long": ("/admin/enrollment_ledger/unlink/add/", {"sealed": "of yesterday"}),
    "account, incomplete": (
        "/admin/enrollment_accounts/account/{account}/change/",
        {"name": "littlepay", "is_active": "on"},
    ),
    "account, tested": ("/admin/enrollment_accounts/account/{account}/test/", {}),
    "switch, incomplete": (
        "/admin/enrollment_watch/switch/add/",
        {"position": "on", **BEGINS},
    ),
    "switch for nothing": ("/admin/enrollment_watch/switch/add/", {"account": "", "position": "off", **BEGINS}),
    "switch for an unknown account": (
        "/admin/enrollment_watch/switch/add/",
        {"account": "unknown", "position": "off", **BEGINS},
    ),
    "switch that ends before it begins": (
        "/admin/enrollment_watch/switch/add/",
        {"position": "off", **BEGINS, "ends_0": "2026-11-01", "ends_1": "10:00"},
    ),
    "sent link, asked about": ("/admin/enrollment_settling/sentlink/{ended}/ask/", {}),
}
"""Pages that answer a form: the address, and what is said beside or instead of ``card_to_remove``."""


def one_of_everything() -> dict[str, Any]:
    """Fills the database. Returns the keys of the rows that ``PAGES`` and ``FORMS`` name."""
    moment = datetime.now(timezone.utc)
    known: dict[str, Any] = {"incidents": {}}
    for code, outcome in A_CODE_EACH.items():
        ended(3, at=moment, code=code, outcome=outcome)
        row = Incident.objects.create(**of_a_failure(at=moment, code=code, outcome=outcome, reference="H7P-2QX-9MR"))
        known["incidents"][code] = row.pk
    ended(2, at=moment, outcome="success")
    ended(2, at=moment, unlisted=1, code="processor_timeout", account="", agency="", processor="", stage="")
    enrolled(reference="H7P-2QX-9MR", at=moment)
    enrolled(reference="H7P-2QX-9MV", at=moment, expires_at=moment + timedelta(days=9), code="renewed")
    known["unlink"] = unlinked(reason="the reason").pk
    known["link"] = SentLink.objects.create(
        reference="H7P-2QX-9MR", account="littlepay", agency="mountain", flow="senior", opened_at=moment, next_at=moment
    ).pk
    known["ended"] = SentLink.objects.create(
        reference="H7P-2QX-9MW", state=State.LINKED, opened_at=moment, ended_at=moment
    ).pk
    known["account"] = Account.objects.create(name="littlepay", processor=LITTLEPAY, is_active=True).pk
    known["switch"] = Switch.objects.create(account="littlepay", agency="mountain", set_by="Ana").pk
    known["watched"] = Watched.objects.create(
        account="littlepay",
        group_id=GROUP,
        diagnosis="group_unknown",
        is_failure=True,
        since=moment,
        checked_at=now(),
        detail="detail of it",
    ).pk
    return known


def card_to_remove(sandbox: Any) -> dict[str, str]:
    """Links a card at the sandbox, and returns what an operator says to have it taken out of its group."""
    source = sandbox.state.card(CARD_TOKEN).id
    sandbox.state.link(source, GROUP)
    return {"account": "littlepay", "group_id": GROUP, "card": source, "reason": "the reason"}
