"""In person, every page speaks to the staff member about the rider, in every language."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from django.utils import translation
from django.utils.html import escape

from enrollment_errors.catalogue import CODES, explained
from enrollment_errors.finishing_views import HEADINGS
from enrollment_errors.in_admin import admin_frame
from enrollment_errors.outcomes import Outcome
from enrollment_errors.pages import PAGES
from tests.site import AGENCY

from . import catalogs, for_translators, gallery
from .gallery import CODES_BY_PAGE, IN_PERSON, REFERENCE, render

LANGUAGES = ["en", *(locale.lower().replace("_", "-") for locale in catalogs.LOCALES)]
SOURCES = catalogs.messages_in_sources()
TO_STAFF = set().union(*(messages for path, messages in SOURCES.items() if "/in_person/" in path))
TO_STAFF |= {str(staff) for _, staff in HEADINGS.values()}
TO_RIDERS = set().union(*(messages for path, messages in SOURCES.items() if "/in_person/" not in path)) - TO_STAFF
STANDS_EVERYWHERE = {
    # About the browser or the card form, whoever uses it.
    "Skip to main content",
    "Try again",
    "Check again",
    "Check your internet connection",
    "Check your internet connection, then try again.",
    "The card form cannot open because JavaScript is off in your browser.",
    "The card form is taking too long to open.",
    "We are still checking",
    "Come back in a few minutes",
    "Enroll again",
    "Cancel this enrollment",
    "Do you want to cancel this enrollment?",
    "Go back",
    "Card number",
    "Check the card number.",
    "Expiration date",
    "Check the expiration date.",
    "Security code",
    "Check the security code.",
    "Transit benefits",
    # The state at one agency in a region: a fact, whoever reads it.
    "This card will be enrolled with:",
    "Enrolled",
    "Already enrolled",
    "Not enrolled yet",
    "Still checking",
    "Card needed",
    "Last day of the reduced fare:",
    "First day of the reduced fare:",
    "Renewed on:",
    # What was enrolled, and when.
    "To enroll another card, continue below.",
    "Cards that work here: %(cards)s",
    "Card",
    'Card ending in <bdi dir="ltr">%(digits)s</bdi>',
    '%(scheme)s ending in <bdi dir="ltr">%(digits)s</bdi>',
    "Benefit",
    "Transit agency",
    "First day of the reduced fare",
    "Renewed on",
    "Already enrolled on",
    "Last day of the reduced fare",
    "It has no end date.",
    "First day to enroll again:",
}
NEVER = re.compile(
    r"you did nothing wrong|your (contactless )?card\b|you (still )?qualify|your reduced fare|you (can )?ride"
    r"|contact us|your transit agency|need help\?|sign out|you are already enrolled|your enrollment",
    re.IGNORECASE,
)

each_page = pytest.mark.parametrize("name", IN_PERSON)


def text(html: str) -> str:
    """All words, including those in the script and in the title."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def heading(html: str) -> str:
    return re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)[0].strip()


@each_page
def test_no_page_says_to_staff_what_is_for_riders(name: str) -> None:
    assert NEVER.findall(text(render(name))) == []


def picture_of(page: str) -> str:
    return f"in-person-{'partial-some' if page == 'partial' else page.replace('_', '-')}"


def sentences_for_riders(html: str) -> list[str]:
    to_staff = {catalogs.said(message) for message in TO_STAFF | STANDS_EVERYWHERE}
    to_riders = {catalogs.said(message) for message in TO_RIDERS} - to_staff
    words = re.sub(r">\s+|\s+<", lambda edge: edge[0].strip(), html)
    return [sentence for sentence in to_riders if f">{sentence}<" in words or f"<title>{sentence}, " in words]


@each_page
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_a_sentence_of_the_riders_pages(name: str, language: str) -> None:
    with translation.override(language):
        assert sentences_for_riders(render(name)) == []


@pytest.mark.parametrize("name", gallery.PICTURES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_riders_own_pages_do_have_them(name: str, language: str) -> None:
    with translation.override(language):
        assert sentences_for_riders(render(name))


@each_page
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_title_says_what_the_heading_says(name: str, language: str) -> None:
    with translation.override(language):
        html = render(name)
    title = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)[0].strip()
    assert title == f"{heading(html)}, {AGENCY.name}"


def test_no_two_pages_share_a_heading() -> None:
    headings = {
        (gallery.ALL[name].page, heading(render(name))) for name in IN_PERSON if not gallery.speaks_as_another(name)
    }
    assert len({words for _, words in headings}) == len(headings)


@each_page
def test_staff_are_not_told_to_call_their_own_agency(name: str) -> None:
    assert "tel:" not in render(name)
    assert AGENCY.website not in render(name)


@pytest.mark.parametrize("page", CODES_BY_PAGE)
def test_beside_the_reference_stand_the_code_and_what_to_do(page: str) -> None:
    html = render(picture_of(page))
    code = CODES_BY_PAGE[page]
    assert f"{REFERENCE}</bdi>" in html
    assert f"<code>{code}</code>" in html
    assert CODES[code].meaning.replace("'", "&#x27;") in text(html)
    assert CODES[code].action.replace("'", "&#x27;") in text(html)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_what_stands_there_for_the_support_team_is_in_the_pages_language(language: str) -> None:
    with translation.override(language):
        for name in for_translators.TOLD_TO_STAFF:
            html = text(for_translators.render(f"in-person-code-{name}"))
            for words in (explained(name).meaning, explained(name).action):
                assert catalogs.said(words) != words
                assert escape(catalogs.said(words)) in html


@pytest.mark.parametrize("name", [name for name in IN_PERSON if "cannot-enroll" not in name])
def test_every_page_goes_on_with_the_next_rider_by_a_post(name: str) -> None:
    (form,) = re.findall(r'<form method="post" action="/next-rider/">.*?</form>', render(name), re.DOTALL)
    assert "csrfmiddlewaretoken" in form
    assert "Next rider" in form


@pytest.mark.parametrize("name", ["in-person-success-earlier", "in-person-still-checking-earlier"])
def test_a_page_of_an_earlier_rider_says_so(name: str) -> None:
    assert "This page is about an earlier rider" in render(name)
    assert "This page is about an earlier rider" not in render(name.removesuffix("-earlier"))


def test_every_text_that_the_script_shows_is_there_in_person_too() -> None:
    for name in ("enroll", "still-checking"):
        of_riders, of_staff = (
            set(re.findall(r'data-enrollment-text="(\w+)"', render(each))) for each in (name, f"in-person-{name}")
        )
        assert of_staff == of_riders


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ready_text_names_the_button_as_the_button_is_named(language: str) -> None:
    with translation.override(language):
        html = render("in-person-enroll")
        button = re.findall(r'id="enrollment-open".*?>\s*(.*?)\s*</button>', html, re.DOTALL)[0]
        assert button == catalogs.said("Enroll the card")
        assert button in catalogs.said("Ready. Select Enroll the card to go on.")
        assert button in catalogs.said("Select Enroll the card.")


def test_riders_read_of_other_ways_while_the_system_is_down() -> None:
    agency = replace(AGENCY, other_ways=translation.pgettext_lazy(catalogs.CONTEXT, "Return home"))
    with translation.override("es"):
        for name in ("system-error", "enroll-circuit-open"):
            assert "Otra forma de inscribirse" in render(name, agency=agency)
            assert "<p>Volver al inicio</p>" in render(name, agency=agency)
            assert "Otra forma de inscribirse" not in render(name)
        assert "Otra forma de inscribirse" not in render("server-error", agency=agency)
        assert "Otra forma de inscribirse" not in render("in-person-enroll-circuit-open", agency=agency)


@each_page
@pytest.mark.parametrize("language", ["en", "es"])
def test_inside_the_admin_a_page_has_the_admins_title_and_breadcrumbs_and_its_own_heading(
    name: str, language: str
) -> None:
    with translation.override(language):
        html = render(name, None, gallery.in_admin())
        [breadcrumbs] = re.findall(r'class="breadcrumbs">(.*?)</(?:div|ol)>', html, re.DOTALL)
        assert catalogs.said("In-person enrollment") in breadcrumbs
    title = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)[0].strip()
    assert (
        title == f"{heading(html)} | {'Django site admin' if language == 'en' else 'Sitio de administración de Django'}"
    )
    assert html.count("<h1") == 1
    assert f'lang="{language}"' in html
    assert 'id="user-tools"' in html
    assert 'action="/admin/logout/"' in html


def test_a_page_stands_in_the_frame_of_the_admin_that_the_site_names() -> None:
    class Office(AdminSite):
        site_header, site_title = "The office", "Office"

    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    html = render("in-person-success", None, admin_frame(request, Office(name="admin")))
    assert "The rider’s card is enrolled | Office" in text(html)
    assert "The office" in text(html)
    assert 'id="user-tools"' not in html


@pytest.mark.parametrize("outcome", [outcome for outcome in PAGES if outcome.name not in ("SUCCESS", "UNFINISHED")])
def test_what_a_script_is_told_speaks_to_staff_in_the_words_of_the_page(outcome: Outcome) -> None:
    page = PAGES[outcome]
    html = text(render(picture_of(page.name)))
    # A region's title depends on how its targets ended.
    assert str(page.staff_title) in html or outcome is Outcome.PARTIAL
    assert str(page.staff_detail) in html


@pytest.mark.parametrize(("may_do_more", "has_sidebar"), [(True, True), (False, False)])
def test_the_admins_sidebar_is_there_for_staff_who_have_something_to_choose(
    may_do_more: bool, has_sidebar: bool, db: None
) -> None:
    request = RequestFactory().get("/")
    request.user = User.objects.create(username="sam", is_staff=True, is_superuser=may_do_more)
    html = render("in-person-success", None, {**admin_frame(request), "user": request.user})
    assert ('id="nav-sidebar"' in html) is has_sidebar
    assert 'id="user-tools"' in html
