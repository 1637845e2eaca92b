"""If an operator's browser asks for Spanish, no page shows an English sentence of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from enrollment_errors.accounts.models import Account
from enrollment_errors.incidents.models import Incident
from enrollment_errors.settling.models import SentLink
from enrollment_errors.watch.models import Switch, Watched
from tests.incidents.conftest import ended
from tests.incidents.conftest import facts as of_a_failure
from tests.ledger.conftest import enrolled, unlinked
from tests.rider import CARD_TOKEN

pytestmark = [pytest.mark.django_db, pytest.mark.ci_only]

LITTLEPAY = "enrollment_errors.processors.littlepay.LittlepayProcessor"
GROUP = "group-seniors"
CODES = {
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

DATA = re.compile(
    r"[A-Z0-9]{3}(-[A-Z0-9]{3}){2}|[a-z]+([_-][a-z0-9]+)+|[A-Z]+(_[A-Z]+)*"  # references, codes, ids, options
    r"|littlepay|Littlepay|mountain|senior|linked|renewed|operator|admin|Ana|detail of it|the reason|group-seniors"
    r"|H7P-2QX-9MR \([^)]*\):|StatusError|POST api/.*|2026\.11\.1|America/Los_Angeles|0{32}|https?://\S+"
    r"|\w+[,:] [\w-]+|[A-Z_]+:|‹ \d+|English|Español|[\d.,:%×\s/()-]+"
)
"""What is the same in every language: values, names, and numbers."""

SAME = {"DNS", "TLS", "No", "H7P-2QX-9MR", "Of the site", "littlepay"}
"""What is the same in both languages: words, a reference, a name, and the text of a code that only the site knows."""

OF_DJANGO = {
    *("Search", "- Select an option -", "Run", "True", "Action:", "Yes"),
    *("Model name", "Add link", "Change or view list link"),
}
"""What Django itself has not translated, in at least one version."""

OF_A_PROCESSOR = re.compile(r'"[A-Z_]+" is missing or empty\.')
"""What a processor's own checks say. It stays in English, as the commands print it."""


class _Texts(HTMLParser):
    """Text nodes, and attributes that people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._silent = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._silent = tag in ("script", "style", "textarea")
        for name, value in attributes:
            is_a_button = tag == "input" and name == "value" and ("type", "submit") in attributes
            if value and (is_a_button or name in ("aria-label", "title", "placeholder", "alt", "data-label")):
                self.found.add(" ".join(value.split()))

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.found.add(" ".join(data.split()))


def texts(page: str) -> set[str]:
    parser = _Texts()
    parser.feed(page)
    return parser.found


def left_in_english(english: set[str], spanish: set[str]) -> list[str]:
    # Before Django 6.1, a breadcrumb's text starts with the separator.
    shared = {text.removeprefix("›").strip() for text in english & spanish}
    both = shared - SAME - OF_DJANGO - {""}
    return sorted(text for text in both if not (DATA.fullmatch(text) or OF_A_PROCESSOR.fullmatch(text)))


@pytest.fixture
def anything(site: Any, sandbox: Any) -> dict[str, Any]:
    """At least one of everything that an operator can look at."""
    moment = datetime.now(timezone.utc)
    known: dict[str, Any] = {"incidents": {}}
    for code, outcome in CODES.items():
        ended(3, at=moment, code=code, outcome=outcome)
        row = Incident.objects.create(**of_a_failure(at=moment, code=code, outcome=outcome, reference="H7P-2QX-9MR"))
        known["incidents"][code] = row.pk
    ended(2, at=moment, outcome="success")
    ended(2, at=moment, unlisted=1, code="processor_timeout", account="", agency="", processor="", stage="")
    enrolled(reference="H7P-2QX-9MR", at=moment)
    enrolled(reference="H7P-2QX-9MS", at=moment, expires_at=moment + timedelta(days=9), code="renewed")
    known["unlink"] = unlinked(reason="the reason").pk
    known["link"] = SentLink.objects.create(
        reference="H7P-2QX-9MR", account="littlepay", agency="mountain", flow="senior", opened_at=moment, next_at=moment
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


PAGES: dict[str, str] = {
    "the first page": "/admin/",
    "overview": "/admin/enrollment_incidents/ending/",
    "overview of an hour": "/admin/enrollment_incidents/ending/?period=hour&show=all",
    "incidents": "/admin/enrollment_incidents/incident/",
    "incidents, narrowed": "/admin/enrollment_incidents/incident/?hours=24&side=backend",
    "incidents, not found": "/admin/enrollment_incidents/incident/?q=H7P-2QX-9MT",
    "incidents, no reference": "/admin/enrollment_incidents/incident/?q=H7",
    **{f"incident: {code}": f"/admin/enrollment_incidents/incident/{{incidents[{code}]}}/change/" for code in CODES},
    "ledger": "/admin/enrollment_ledger/entry/",
    "sums by month": "/admin/enrollment_ledger/entry/sums/",
    "sums by day": "/admin/enrollment_ledger/entry/sums/?by=day",
    "sums, wrong way round": "/admin/enrollment_ledger/entry/sums/?since=2026-11-02&until=2026-11-01",
    "reference": "/admin/enrollment_ledger/entry/reference/?q=H7P-2QX-9MR",
    "reference with an expiry": "/admin/enrollment_ledger/entry/reference/?q=H7P-2QX-9MS",
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

EMPTY = ["overview", "incidents", "ledger", "sums by month", "sent links", "accounts", "switches", "findings"]


def both(ask: Callable[[str], Any]) -> Iterator[set[str]]:
    for language in ("en", "es"):
        response = ask(language)
        assert response.status_code == 200
        # The details of the doctor's findings stay in English, as the command prints them.
        findings = response.context.get("findings", [])
        yield texts(response.content.decode()) - {" ".join(finding.detail.split()) for finding in findings}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_english_left(page: str, anything: dict[str, Any], admin_client: Client) -> None:
    address = PAGES[page].format(**anything)
    pages = both(lambda language: admin_client.get(address, headers={"accept-language": language}))
    assert left_in_english(*pages) == []


@pytest.mark.parametrize("page", EMPTY)
def test_a_page_without_data_has_no_english_left(page: str, admin_client: Client) -> None:
    pages = both(lambda language: admin_client.get(PAGES[page], headers={"accept-language": language}))
    assert left_in_english(*pages) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/admin/enrollment_ledger/unlink/add/", {"card": "not there"}),
        ("/admin/enrollment_ledger/unlink/add/", {"group_id": "another"}),
        ("/admin/enrollment_ledger/unlink/add/", {"reference": "H7", "group_id": "..", "card": "a b"}),
        ("/admin/enrollment_ledger/unlink/add/", {}),
        ("/admin/enrollment_accounts/account/{account}/change/", {"name": "littlepay", "is_active": "on"}),
        ("/admin/enrollment_accounts/account/{account}/test/", {}),
        ("/admin/enrollment_watch/switch/add/", {"position": "on", "begins_0": "2026-11-02", "begins_1": "10:00"}),
    ],
)
def test_what_is_said_of_a_form_has_no_english_left(
    address: str, said: dict[str, str], anything: dict[str, Any], admin_client: Client, sandbox: Any
) -> None:
    source = sandbox.state.card(CARD_TOKEN).id
    sandbox.state.link(source, GROUP)
    wish = {"account": "littlepay", "group_id": GROUP, "card": source, "reason": "the reason", **said}
    pages = both(
        lambda language: admin_client.post(address.format(**anything), wish, headers={"accept-language": language})
    )
    assert left_in_english(*pages) == []
