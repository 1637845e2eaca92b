"""The catalogue has every code that the app can give and no others, and its page says the same."""

from __future__ import annotations

import ast
import re

import pytest

from enrollment_errors.catalogue import CODES
from enrollment_errors.pages import PAGES

from .blocks import ROOT
from .errors_page import PAGE, RIDER_GETS, written

SOURCES = [path for path in (ROOT / "enrollment_errors").glob("*.py") if path.name != "catalogue.py"]


def given() -> set[str]:
    """The codes of failures, and the literal codes that the other modules of the package pass to a call."""
    codes = {name for name, code in CODES.items() if code.when} | {"unexpected_error"}
    for source in SOURCES:
        for call in ast.walk(ast.parse(source.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            place = {"refuse": 1, "Linked": 0, "_change_expiry": 0, "Result": 1}.get(name)
            if place is not None and place < len(call.args) and isinstance(call.args[place], ast.Constant):
                codes.add(call.args[place].value)
    return codes


def test_every_code_that_can_be_given_is_in_the_catalogue_and_no_other() -> None:
    assert given() == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_code_says_what_it_means_and_what_to_do_in_whole_sentences(code: str) -> None:
    about = CODES[code]
    assert re.fullmatch(r"[A-Z].*\.", about.meaning)
    assert re.fullmatch(r"[A-Z].*\.", about.action)
    assert about.is_sentry_event is False or about.action != "Nothing."


def test_the_page_says_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == written(), "run: python -m tests.docs.errors_page"


def test_the_page_names_the_pages_and_statuses_that_riders_get() -> None:
    for outcome, words in RIDER_GETS.items():
        status = PAGES[outcome].status
        assert re.findall(r"\d{3}", words) == ([] if status == 200 else [str(status)])
    assert set(RIDER_GETS) == set(PAGES)
