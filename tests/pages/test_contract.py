"""The contract with sites that replace the base, a page, or a block: ``docs/pages.md`` agrees with the templates.

If you change anything here, also change the version in ``docs/pages.md``, and tell sites in the changelog.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from . import catalogs, gallery
from .gallery import render

VERSION = 2
BASE_BLOCKS = ["enrollment_title", "enrollment_head", "enrollment_content"]
PAGE_BLOCKS = [
    "enrollment_script",
    "enrollment_icon",
    "enrollment_heading",
    "enrollment_note",
    "enrollment_explanation",
    "enrollment_progress",
    "enrollment_next",
    "enrollment_actions",
    "enrollment_help",
    "enrollment_contact",
    "enrollment_reference",
]
EVERY_PAGE = {"page", "base_template", "agency", "home_url", "sign_in", "reference"}
ENROLL = {
    "form",
    "page_data",
    "card_form",
    "circuit_open",
    "switched_off",
    "agencies",
    "accepted_cards",
    "enrolled_before",
}
CARD = {"card_scheme", "card_last_digits", "benefit"}
OWN_CONTEXT = {
    "enroll": ENROLL,
    "enroll_again": {*ENROLL, "targets", "left"},
    "success": {
        *CARD,
        "enrolled_with",
        "enrolled",
        "enrolled_at",
        "expires_at",
        "never_expires",
        "already_linked",
        "targets",
    },
    "check_card": {"enroll_url"},
    "too_early": {"expires_at", "reenrollment_opens_at", "targets"},
    "still_checking": {"targets"},
    "partial": {*CARD, "targets", "mix", "needs_card", "can_try_again", "can_check_again", "enroll_url"},
    "system_error": {"switched_off", "can_start_again", "enroll_url"},
    "server_error": set(),
    "cannot_enroll": {"enroll_url"},
    "changed": {"enroll_url"},
    "no_more_cards": {"enrolled_before"},
    "too_many": {"enroll_url"},
    "finishing": {
        "heading",
        "progress",
        "until",
        "can_be_canceled",
        "wants_to_cancel",
        "address",
        "enroll_url",
    },
}
FOR_STAFF = {"code", "advice", "is_of_earlier_rider", "is_permitted", "next_rider_url"}
PROPERTIES = re.compile(r"^  (--enrollment-[\w-]+):", re.MULTILINE)
DOCUMENT = (catalogs.ROOT / "docs" / "pages.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """Maps the first column of the table under a heading to the last."""
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): row[-1] for row in cells}


@pytest.fixture
def templates(settings: Any) -> Any:
    """Returns a function that gives the site templates of its own, by name."""

    def give(**by_name: str) -> None:
        found = {name.replace("__", "/") + ".html": source for name, source in by_name.items()}
        engine = settings.TEMPLATES[0]
        loaders = [
            ("django.template.loaders.locmem.Loader", found),
            "django.template.loaders.app_directories.Loader",
        ]
        settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}]

    return give


def test_the_document_names_the_version() -> None:
    assert f"Contract version: **{VERSION}**" in DOCUMENT


def test_the_document_names_every_block() -> None:
    assert list(rows("Blocks")) == [*BASE_BLOCKS, *PAGE_BLOCKS]


def test_the_document_names_every_context_name_of_every_page() -> None:
    documented = {page: set(re.findall(r"`(\w+)`", names)) for page, names in rows("Pages").items()}
    documented["enroll_again"] = documented["enroll_again"] - {"enroll"} | documented["enroll"]
    assert documented == OWN_CONTEXT
    assert set(rows("Context of every page")) == EVERY_PAGE
    assert set(rows("In person")) == FOR_STAFF


def test_the_document_names_every_property_of_the_style_sheet() -> None:
    css = (gallery.STATIC / "enrollment.css").read_text(encoding="utf-8")
    assert list(rows("Color, type and spacing")) == PROPERTIES.findall(css)


@pytest.mark.parametrize("name", gallery.ALL)
def test_a_page_renders_with_the_documented_context_alone(name: str, settings: Any) -> None:
    class Missing(str):
        def __mod__(self, name: object) -> str:
            raise AssertionError(f"undocumented: {name}")

        def __contains__(self, part: object) -> bool:
            return part == "%s"

    own = OWN_CONTEXT[gallery.ALL[name].page]
    for_staff = FOR_STAFF | {"enroll_url"} if name in gallery.IN_PERSON else set()
    assert set(gallery.ALL[name].context) <= own | EVERY_PAGE | for_staff
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "string_if_invalid": Missing("%s")}}]
    assert render(name, signed_in=True)


@pytest.mark.parametrize("block", PAGE_BLOCKS)
def test_a_site_can_replace_a_single_block(block: str, templates: Any) -> None:
    templates(
        enrollment_errors__mine=(
            '{% extends "enrollment_errors/server_error.html" %}{% block BLOCK %}of our own{% endblock %}'.replace(
                "BLOCK", block
            )
        )
    )
    html = gallery.render_template("enrollment_errors/mine.html", gallery.ALL["server-error"])
    assert "of our own" in html
    assert "Mountain Valley Transit" in html


@pytest.mark.parametrize("name", gallery.ALL)
def test_a_site_base_needs_only_three_blocks(name: str, templates: Any) -> None:
    templates(
        site="<!doctype html><title>{% block enrollment_title %}{% endblock %}</title><link href='/site.css'>"
        "{% block enrollment_head %}{% endblock %}<nav>Site</nav>"
        "<main>{% block enrollment_content %}{% endblock %}</main>"
    )
    html = render(name, base_template="site.html")
    assert "<nav>Site</nav>" in html
    assert "enrollment.css" in html
    assert html.count("<h1>") == html.count("<main>") == html.count("<title>") == 1
    assert "enrollment-banner" not in html


def test_a_site_base_keeps_what_it_has_in_its_head(templates: Any) -> None:
    templates(
        site="{% block enrollment_head %}<link href='/site.css'>{% endblock %}"
        "{% block enrollment_content %}{% endblock %}"
    )
    html = render("server-error", base_template="site.html")
    assert "/site.css" in html
    assert "enrollment.css" in html


@pytest.mark.parametrize("name", gallery.ALL)
def test_no_name_of_ours_hides_one_of_the_sites_in_its_base(name: str, templates: Any) -> None:
    names = sorted(EVERY_PAGE.union(FOR_STAFF, *OWN_CONTEXT.values()) - {"base_template"})
    shown = "".join(f"[{{{{ {each} }}}}]" for each in names)
    templates(site=f"<nav>{shown}</nav>{{% block enrollment_content %}}{{% endblock %}}")
    html = render(name, None, {"base_template": "site.html", **{each: f"the site's {each}" for each in names}})
    assert unescape(html).split("</nav>")[0].endswith("".join(f"[the site's {each}]" for each in names))
