"""What each page shows, whatever the views behind it do."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from enrollment_errors.adapter import Agency
from enrollment_errors.catalogue import CODES
from enrollment_errors.outcomes import Outcome
from enrollment_errors.templatetags.enrollment_errors import last_day, spelled
from tests.site import AGENCY

from . import gallery
from .gallery import DATES, PICTURES, REFERENCE, speaks_as_another

SCRIPTS = "".join(script.read_text(encoding="utf-8") for script in gallery.STATIC.glob("*.js"))
each_picture = pytest.mark.parametrize("name", PICTURES)
each_failure = pytest.mark.parametrize("name", ["still-checking", "system-error", "server-error"])


def render(name: str, request: HttpRequest | None = None, sites: Mapping[str, Any] = {}, **context: Any) -> str:
    """A picture's HTML, with white space collapsed as in a browser."""
    return re.sub(r"\s+", " ", gallery.render(name, request, sites, **context)).replace(" >", ">")


def title(html: str) -> str:
    return re.findall(r"<title>(.*?)</title>", html, re.DOTALL)[0].strip()


def headings(html: str) -> list[str]:
    return [heading.strip() for heading in re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)]


def main(html: str) -> str:
    return html[html.index("<main") : html.index("</main>")]


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@each_picture
def test_a_page_has_one_heading_and_it_is_in_main(name: str) -> None:
    html = render(name)
    assert len(headings(html)) == 1
    assert headings(html) == headings(main(html))


@each_picture
def test_a_title_is_the_problem_and_the_site(name: str) -> None:
    html = render(name)
    assert title(html) == f"{headings(html)[0]}, {AGENCY.name}"


@pytest.mark.parametrize("language", ["en", "es", "zh-hans", "zh-hant", "vi", "tl", "ko"])
def test_no_two_pages_share_a_title(language: str) -> None:
    with translation.override(language):
        titles = {name: title(render(name)) for name in PICTURES}
    by_page = {
        (PICTURES[name].page, "circuit_open" in PICTURES[name].context): titles[name]
        for name in PICTURES
        if not speaks_as_another(name)
    }
    assert len(set(by_page.values())) == len(by_page)


@each_picture
def test_a_page_says_that_nothing_is_charged(name: str) -> None:
    assert re.search(r"Nothing (was|will be) charged", text(main(render(name))))


@each_picture
def test_every_page_leads_home(name: str) -> None:
    assert '<a class="enrollment-' in main(render(name))
    assert re.search(r'href="/home/">Return home</a>', main(render(name)))


@each_picture
@pytest.mark.parametrize("signed_in", [False, True])
def test_the_contact_comes_last_in_main(name: str, signed_in: bool) -> None:
    contact = main(render(name, signed_in=signed_in)).split('<section class="enrollment-help"')
    assert len(contact) == 2
    assert contact[1].count("</section>") == 1
    assert AGENCY.name in contact[1]
    assert 'href="tel:5550100199"' in contact[1]
    assert 'href="https://transit.example"' in contact[1]
    assert "enrollment-button" not in contact[1]


@each_picture
def test_a_page_renders_where_no_agency_is_known(name: str) -> None:
    html = render(name, agency=None)
    assert title(html).endswith(", Transit benefits")
    assert "Contact your transit agency." in text(html)


def test_an_agency_without_phone_and_website_has_no_empty_links() -> None:
    html = render("server-error", agency=Agency(slug="a", name="Small Transit", home_url="/"))
    assert "tel:" not in html
    assert "website" not in html


def test_a_name_with_markup_in_it_stays_text() -> None:
    html = render("server-error", agency=Agency(slug="a", name="<b>R&D</b> Transit", home_url="/"))
    assert "<b>" not in html
    assert title(html).endswith("&lt;b&gt;R&amp;D&lt;/b&gt; Transit")


@each_failure
def test_a_failure_shows_its_reference_and_spells_it_for_screen_readers(name: str) -> None:
    html = render(name)
    assert f'<bdi dir="ltr" aria-hidden="true">{REFERENCE}</bdi>' in html
    assert "Reference: H 7 P, 2 Q X, 9 M R" in text(html)


@pytest.mark.parametrize("name", ["enroll-switched-off", "in-person-enroll-switched-off"])
def test_a_sentence_that_ends_in_an_hour_has_one_period(name: str) -> None:
    html = text(render(name))
    assert " a.m." in html
    assert ".." not in html


def test_success_shows_its_reference_to_keep() -> None:
    assert "When you contact us, tell us this reference." in render("success")
    assert REFERENCE in render("success")


def test_an_illustration_is_decoration() -> None:
    [illustration] = re.findall(r"<svg[^>]*48[^>]*>", render("success"))
    assert 'aria-hidden="true" focusable="false"' in illustration
    assert "style" not in illustration


def test_a_failure_without_a_reference_asks_for_none() -> None:
    html = render("server-error", reference="")
    assert "this reference" not in html
    assert "Write this down" not in html


class TestSomethingWentWrongOnOurSide:
    """The page asks the rider to call."""

    CALL = '<a class="enrollment-button" href="tel:+15035550123">'

    def test_the_main_button_calls_and_the_reference_stands_right_above_it(self) -> None:
        html = render("server-error", agency=dataclasses.replace(AGENCY, phone="+1 (503) 555-0123"))
        assert html.index("Write this down, then call us.") < html.index(REFERENCE) < html.index(self.CALL)
        assert html.count(f'aria-hidden="true">{REFERENCE}<') == 1
        assert '<a class="enrollment-link" href="/home/">Return home</a>' in html

    def test_it_says_when_somebody_answers_the_phone(self) -> None:
        html = render("server-error", agency=dataclasses.replace(AGENCY, hours="Monday to Friday, 9 to 5"))
        assert html.count("Monday to Friday, 9 to 5") == 2  # next to the button, and with the contact

    def test_without_a_phone_number_the_main_button_leads_home(self) -> None:
        html = render("server-error", agency=dataclasses.replace(AGENCY, phone=""))
        assert "tel:" not in html
        assert '<a class="enrollment-button" href="/home/">Return home</a>' in html
        assert "When you contact us, tell us this reference." in html


class TestTheSystemIsDown:
    def test_while_the_rider_still_qualifies_they_can_try_again_beside_the_main_button(self) -> None:
        html = render("system-error-again", signed_in=True)
        again = '<a class="enrollment-second" href="/enroll/">Try again</a>'
        assert html.index('<a class="enrollment-button" href="/sign-out/">') < html.index(again)
        assert html.index(again) < html.index('<a class="enrollment-link" href="/home/">Return home</a>')
        assert "Wait a minute, then try again." in html

    def test_else_they_come_back_later(self) -> None:
        html = render("system-error")
        assert "ry again" not in html
        assert "Come back later today or tomorrow" in html

    def test_signing_out_says_what_it_costs(self) -> None:
        costs = "you will have to confirm again that you qualify"
        assert costs in render("system-error", signed_in=True)
        assert costs not in render("system-error")


def test_a_reference_is_spelled_in_its_groups() -> None:
    assert spelled("H7P-2QX-9MR") == "H 7 P, 2 Q X, 9 M R"


@pytest.mark.parametrize("name", ["success", "system-error"])
class TestTheWayOut:
    def test_signed_in_the_main_button_signs_out_and_home_is_there_too(self, name: str) -> None:
        html = render(name, signed_in=True)
        assert '<a class="enrollment-button" href="/sign-out/">Sign out of Login.gov</a>' in html
        assert '<a class="enrollment-link" href="/home/">Return home</a>' in html

    def test_signed_out_the_main_button_leads_home(self, name: str) -> None:
        html = render(name)
        assert '<a class="enrollment-button" href="/home/">Return home</a>' in html
        assert "Sign out" not in html


def test_check_card_leads_back_to_the_card_form() -> None:
    assert '<a class="enrollment-button" href="/enroll/">Try again</a>' in render("check-card")


def test_check_again_is_a_post_to_the_page_itself() -> None:
    form = re.findall(r"<form.*?</form>", render("still-checking"), re.DOTALL)[0]
    assert 'method="post"' in form
    assert "action" not in form
    assert "csrfmiddlewaretoken" in form


class TestDates:
    def test_the_last_day_is_the_one_that_the_midnight_of_the_expiry_ends(self) -> None:
        assert last_day(DATES["expires_at"]).isoformat() == "2027-01-31"

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Honolulu"])
    def test_they_are_days_of_the_sites_time_zone_wherever_the_rider_is(self, zone: str) -> None:
        here = [render(name) for name in ("success-already", "too-early")]
        with timezone.override(zone):
            there = [render(name) for name in ("success-already", "too-early")]
        assert there == here

    def test_too_early_says_when_the_fare_ends_and_when_it_can_be_renewed(self) -> None:
        html = render("too-early")
        assert '<time datetime="2027-01-18">Jan. 18, 2027</time>' in html
        assert '<time datetime="2027-01-31">Jan. 31, 2027</time>' in html

    def test_too_early_is_whole_without_dates(self) -> None:
        html = render("too-early-no-dates")
        assert "<time" not in html
        assert "Contact us to find out when you can enroll again." in html
        assert "before your reduced fare ends" not in html

    def test_of_each_agency_a_region_says_when_the_reduced_fare_ends_or_that_it_does_not(self) -> None:
        html = " ".join(render("success-region").split())
        assert html.count("Last day of the reduced fare:") == 2
        assert html.count("It has no end date.") == 1

    @pytest.mark.parametrize("name", ["enroll-switched-off", "in-person-enroll-switched-off"])
    def test_the_main_button_does_not_ask_for_what_cannot_work_before_a_day(self, name: str) -> None:
        html = " ".join(render(name).split())
        assert re.search(r'class="enrollment-button"[^>]*>\s*(Return home|Next rider)', html)
        assert re.search(r'class="enrollment-link" href="">Try again', html)

    def test_a_region_that_is_enrolled_already_speaks_as_a_success_does(self) -> None:
        assert "You still qualify" not in render("partial-enrolled")
        assert "The rider still qualifies" not in render("in-person-partial-enrolled")

    def test_a_date_is_written_as_its_language_writes_it(self) -> None:
        with translation.override("es"):
            assert "31 de enero de 2027" in render("success-already")


class TestEnroll:
    def test_the_scripts_data_comes_as_json(self) -> None:
        data = re.findall(
            r'<script id="enrollment-data" type="application/json">(.*?)</script>', render("enroll"), re.DOTALL
        )
        assert json.loads(data[0]) == gallery.PAGE_DATA

    def test_data_cannot_end_its_script_element(self) -> None:
        html = render("enroll", page_data={"cardForm": {"script": "</script><b>"}})
        assert "</script><b>" not in html

    def test_every_text_that_the_script_shows_is_in_a_page_and_none_is_idle(self) -> None:
        shown = set(re.findall(r'(?:say|offerAgain)\("(\w+)"', SCRIPTS))
        shown |= set(re.findall(r'say\("\w+", "(\w+)"', SCRIPTS))
        shown |= {name for name, code in CODES.items() if code.outcome is Outcome.UNFINISHED}
        assert shown == set(re.findall(r'data-enrollment-text="(\w+)"', render("enroll") + render("still-checking")))

    def test_every_part_that_the_script_uses_is_in_a_page_and_none_is_idle(self) -> None:
        used = set(re.findall(r'part\("(\w+)"\)', SCRIPTS)) | {"steps"}
        assert used == set(re.findall(r'data-enrollment="(\w+)"', render("enroll") + render("still-checking")))

    def test_the_button_waits_for_the_script(self) -> None:
        assert re.search(r'<button [^>]*id="enrollment-open"[^>]* hidden disabled>', render("enroll"))

    def test_while_the_circuit_is_open_no_card_can_be_entered(self) -> None:
        html = render("enroll-circuit-open")
        assert "You cannot enroll right now" in headings(html)
        assert '<a class="enrollment-button" href="">Try again</a>' in html
        assert "<form" not in html
        assert "<script" not in html


class TestContentSecurityPolicy:
    @each_picture
    def test_nothing_is_inline(self, name: str) -> None:
        html = render(name, signed_in=True)
        assert not re.search(r'\s(style|on\w+)="', html)
        assert not re.search(r"<style|javascript:", html)
        for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL):
            assert 'type="application/json"' in attributes or content == ""

    def test_without_a_policy_there_is_no_nonce(self) -> None:
        assert "nonce" not in render("enroll", RequestFactory().get("/"))

    @pytest.mark.parametrize("lazy", [SimpleLazyObject(lambda: "n0nce"), "n0nce"], ids=["lazy", "plain"])
    def test_the_nonce_of_django_6_is_used(self, lazy: object) -> None:
        assert render("enroll", None, {"csp_nonce": lazy}).count('nonce="n0nce"') == 4

    def test_the_nonce_of_django_csp_is_used(self) -> None:
        request = RequestFactory().get("/")
        request.csp_nonce = SimpleLazyObject(lambda: "n0nce")  # type: ignore[attr-defined]
        assert render("enroll", request).count('nonce="n0nce"') == 4

    def test_a_nonce_that_is_false_until_it_is_written_is_written(self) -> None:
        class NotYet(SimpleNamespace):
            def __bool__(self) -> bool:
                return False

            def __str__(self) -> str:
                return "n0nce"

        assert render("enroll", None, {"csp_nonce": NotYet()}).count('nonce="n0nce"') == 4


class TestLanguage:
    @pytest.mark.parametrize(
        ("language", "direction"), [("en", "ltr"), ("es", "ltr"), ("zh-hans", "ltr"), ("tl", "ltr"), ("ar", "rtl")]
    )
    def test_the_page_says_which_language_it_is_in(self, language: str, direction: str) -> None:
        with translation.override(language):
            assert f'<html lang="{language}" dir="{direction}">' in render("system-error")


def test_the_style_sheet_is_small() -> None:
    assert (gallery.STATIC / "enrollment.css").stat().st_size < 15_000


def test_the_style_sheet_knows_no_left_and_right() -> None:
    css = (gallery.STATIC / "enrollment.css").read_text(encoding="utf-8")
    assert not re.search(r"\b(left|right|(margin|padding|border)-(top|bottom))\b", css)
