"""How the pages look on a phone, with forced colors, with reduced motion, right to left, and in a site's own style."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages import gallery

from . import arabic
from .gallery_site import address, serve, variants

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(LOCALE_PATHS=[arabic.write_catalog(tmp_path_factory.mktemp("locale"))]) as base:
        yield base


@pytest.fixture
def context_options() -> dict[str, Any]:
    return {}


@pytest.fixture
def page(browser: Browser, context_options: dict[str, Any]) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 800}, **context_options) as context:
        page = context.new_page()
        yield page
        page.unroute_all(behavior="ignoreErrors")  # the requests that the test left unanswered


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found, f"{selector} is not visible"
    return dict(found)


class TestTheContact:
    def test_stands_in_the_same_place_on_every_page(self, page: Page, site: str) -> None:
        places = set()
        for name, signed_in in variants():
            page.goto(address(site, name, signed_in=signed_in))
            place = box(page, ".enrollment-help h2")
            places.add((place["x"], place["y"]))
        assert len(places) == 1

    @pytest.mark.parametrize("name", gallery.ALL)
    def test_comes_last_on_a_phone(self, page: Page, site: str, name: str) -> None:
        page.set_viewport_size({"width": 320, "height": 800})
        page.goto(address(site, name))
        contact, rest = box(page, ".enrollment-help"), box(page, ".enrollment-body")
        assert contact["y"] >= rest["y"] + rest["height"]


class TestForcedColours:
    @pytest.fixture
    def context_options(self) -> dict[str, Any]:
        return {"forced_colors": "active"}

    def test_buttons_panels_and_the_reference_keep_an_edge(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error", signed_in=True))
        for selector in ("a.enrollment-button", "p.enrollment-progress", ".enrollment-reference [aria-hidden]"):
            expect(page.locator(selector)).to_have_css("border-top-style", "solid")
            width = page.locator(selector).evaluate("(element) => parseFloat(getComputedStyle(element).borderTopWidth)")
            assert width >= 1

    def test_icons_take_the_colour_of_the_text(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error"))
        colours = "(element) => [getComputedStyle(element).stroke, getComputedStyle(document.body).color]"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for icon in (".enrollment-icon svg", ".enrollment-progress svg"):
                stroke, text = page.locator(icon).evaluate(colours)
                assert stroke == text

    def test_the_main_button_stands_out(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error-again"))
        main, second = page.locator("a.enrollment-button"), page.locator("a.enrollment-second")
        expect(second).to_have_css("background-color", "rgb(255, 255, 255)")
        for _ in range(2):
            expect(main).to_have_css("background-color", "rgb(0, 0, 0)")
            expect(main).to_have_css("color", "rgb(255, 255, 255)")
            main.hover()


class TestMotion:
    TURNING = "document.getAnimations().filter((animation) => animation.animationName == 'enrollment-turn').length"

    @pytest.fixture(params=["reduce", "no-preference"])
    def context_options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return {"reduced_motion": request.param}

    def test_a_spinner_turns_only_where_motion_is_welcome(
        self, page: Page, site: str, context_options: dict[str, Any]
    ) -> None:
        page.route("**/token/", lambda route: None)
        page.goto(address(site, "enroll"))
        expect(page.get_by_role("status")).to_have_text("Getting the card form ready…")
        assert page.evaluate(self.TURNING) == (0 if context_options["reduced_motion"] == "reduce" else 1)


class TestRightToLeft:
    def test_the_page_is_mirrored(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error"))
        heading, contact, width = box(page, "h1"), box(page, ".enrollment-help"), 1280
        page.goto(address(site, "system-error", "ar"))
        mirrored_heading, mirrored_contact = box(page, "h1"), box(page, ".enrollment-help")
        assert contact["x"] > heading["x"]
        assert mirrored_contact["x"] + mirrored_contact["width"] == pytest.approx(width - contact["x"], abs=1)
        assert mirrored_heading["x"] + mirrored_heading["width"] == pytest.approx(width - heading["x"], abs=1)

    def test_the_reference_and_the_phone_number_still_read_left_to_right(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error", "ar"))
        for selector, text in (
            (".enrollment-reference bdi", "H7P-2QX-9MR"),
            ("a bdi", "(555) 010-0199"),
        ):
            first, last = page.locator(selector).evaluate(
                """(element) => {
                  const node = element.firstChild, range = document.createRange();
                  const x = (at) => {
                    range.setStart(node, at);
                    range.setEnd(node, at + 1);
                    return range.getBoundingClientRect().x;
                  };
                  return [x(0), x(node.length - 1)];
                }"""
            )
            assert page.locator(selector).text_content() == text
            assert first < last


class TestTheReference:
    def test_one_click_selects_it_and_nothing_else(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error"))
        page.locator(".enrollment-reference [aria-hidden]").click()
        assert page.evaluate("getSelection().toString().trim()") == gallery.REFERENCE

    def test_a_screen_reader_hears_single_characters(self, page: Page, site: str) -> None:
        page.goto(address(site, "system-error"))
        heard = page.locator(".enrollment-help").aria_snapshot()
        assert "Reference: H 7 P, 2 Q X, 9 M R" in heard
        assert gallery.REFERENCE not in heard


def test_a_site_restyles_by_setting_properties_before_or_after(page: Page, site: str) -> None:
    page.goto(address(site, "success"))
    style = ":root { --enrollment-color-accent: rgb(90, 0, 90) }"
    for place in ("afterbegin", "beforeend"):
        page.reload()
        page.evaluate(
            "([place, style]) => document.head.insertAdjacentHTML(place, `<style>${style}</style>`)", [place, style]
        )
        button = page.locator(".enrollment-button")
        expect(button).to_have_css("background-color", "rgb(90, 0, 90)")
