"""If an operator's browser asks for Spanish, no page shows an English sentence of ours. Each message in the Spanish
catalog is on a page that a reviewer can look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests import operators, operators_states
from tests.operators import EMPTY, FORMS, PAGES
from tests.pages import catalogs, sightings, unseen

pytestmark = [pytest.mark.django_db, pytest.mark.ci_only]

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


def texts(page: str) -> set[str]:
    """Each text by itself: beside one that is translated, one that is not would go unnoticed."""
    return {" ".join(line.split()) for line in sightings.text_of(page, inline=()).splitlines()}


def left_in_english(english: set[str], spanish: set[str]) -> list[str]:
    # Before Django 6.1, a breadcrumb's text starts with the separator.
    shared = {text.removeprefix("›").strip() for text in english & spanish}
    both = shared - SAME - OF_DJANGO - {""}
    return sorted(text for text in both if not (DATA.fullmatch(text) or OF_A_PROCESSOR.fullmatch(text)))


@pytest.fixture
def anything(site: Any, db: None) -> dict[str, Any]:
    site(**operators.SETTINGS)
    return operators.one_of_everything()


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


@pytest.mark.parametrize("form", FORMS)
def test_what_is_said_of_a_form_has_no_english_left(
    form: str, anything: dict[str, Any], admin_client: Client, sandbox: Any
) -> None:
    address, said = FORMS[form]
    address, wish = address.format(**anything), {**operators.card_to_remove(sandbox), **said}
    pages = both(lambda language: admin_client.post(address, wish, headers={"accept-language": language}, follow=True))
    assert left_in_english(*pages) == []


def test_a_picture_shows_every_message_of_operators_or_the_index_says_where_it_is(
    site: Any, sandbox: Any, admin_client: Client
) -> None:
    site(**operators.SETTINGS)
    texts = {}

    def keep(name: str, response: Any) -> None:
        assert response.status_code == 200, name
        texts[name] = sightings.text_of(response.content.decode())

    for name in EMPTY:
        keep(f"{name}, empty", admin_client.get(PAGES[name]))
    known = operators.one_of_everything()
    for name, address in PAGES.items():
        keep(name, admin_client.get(address.format(**known)))
    wish = operators.card_to_remove(sandbox)
    for name, (address, said) in FORMS.items():
        keep(name, admin_client.post(address.format(**known), {**wish, **said}, follow=True))
    for name, address in operators_states.each_code_and_state().items():
        keep(name, admin_client.get(address))

    theirs = [entry for entry in catalogs.entries("es") if catalogs.is_for_operators(entry)]
    not_shown = {entry.message for entry in theirs if not sightings.of(entry.message, texts)}
    assert not_shown == {entry.message for entry in theirs if unseen.where(entry)}
