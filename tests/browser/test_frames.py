"""The pages inside other designs, in dark mode, with forced colors, on paper and with the reader's own spacing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Request, expect

from tests.pages import gallery

from . import frames
from .gallery_site import address, serve
from .test_accessibility import RULES, TOO_WIDE, open_whole, violations

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

# The words of the heading that break across two lines.
BROKEN_WORDS = """() => {
  const node = document.querySelector("h1").firstChild, range = document.createRange();
  return [...node.data.matchAll(/\\S+/g)].filter((word) => {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    return new Set([...range.getClientRects()].map((box) => box.y)).size > 1;
  }).map((word) => word[0]);
}"""
STYLE = """(element) => {
  const { color, backgroundColor, fontWeight, textDecorationLine } = getComputedStyle(element);
  return { color, backgroundColor, fontWeight, textDecorationLine };
}"""
IN_ADMIN = "admin"


def framed(site: str, frame: str, name: str, language: str = "en") -> str:
    if frame == IN_ADMIN:
        return address(site, f"in-person-{name}", language, in_admin=True)
    return address(site, name, language) + f"?frame={frame}"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(reduced_motion="reduce") as context:
        yield context.new_page()


@pytest.fixture
def page(shared_page: Page) -> Page:
    shared_page.emulate_media(color_scheme="light", forced_colors="none", media="screen", reduced_motion="reduce")
    shared_page.set_viewport_size({"width": 1280, "height": 800})
    return shared_page


@pytest.mark.parametrize("frame", [*frames.NAMES, IN_ADMIN])
class TestInAnotherDesign:
    @pytest.mark.parametrize("width", [390, 768, 1280])
    @pytest.mark.parametrize("name", ["enroll", "system-error", "success"])
    def test_a_page_is_legible_and_fits(self, page: Page, site: str, frame: str, name: str, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        open_whole(page, framed(site, frame, name))
        page.evaluate(AXE_SCRIPT)
        assert [rule for rule, _ in violations(page)] == []
        assert page.evaluate(TOO_WIDE.replace('"main *', '".enrollment *')) == []

    def test_a_button_keeps_its_colors_under_the_pointer_too(self, page: Page, site: str, frame: str) -> None:
        page.goto(framed(site, frame, "server-error"))
        button = page.locator(".enrollment-button").first
        for _ in range(2):
            style = button.evaluate(STYLE)
            assert style["color"] != style["backgroundColor"] != "rgba(0, 0, 0, 0)"
            assert (style["fontWeight"], style["textDecorationLine"]) == ("700", "none")
            page.evaluate(AXE_SCRIPT)
            assert violations(page) == []
            button.hover()

    def test_headings_have_our_weight_and_links_are_underlined(self, page: Page, site: str, frame: str) -> None:
        page.goto(framed(site, frame, "server-error"))
        for heading in page.locator(".enrollment h1, .enrollment h2").all():
            assert heading.evaluate(STYLE)["fontWeight"] == "700"
        if frame != IN_ADMIN:
            for link in page.locator(".enrollment-help a:not(.enrollment-button)").all():
                assert link.evaluate(STYLE)["textDecorationLine"] == "underline"


@pytest.mark.parametrize("frame", frames.NAMES)
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", ["enroll", "system-error", "check-card"])
def test_in_a_narrow_column_no_word_of_a_heading_breaks_and_the_help_comes_below(
    page: Page, site: str, frame: str, language: str, name: str
) -> None:
    page.goto(framed(site, frame, name, language))
    page.evaluate("document.querySelector('#column').style.width = '300px'")
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate(TOO_WIDE) == []
    body, help_ = (page.locator(part).bounding_box() for part in (".enrollment-body", ".enrollment-help"))
    assert body
    assert help_
    assert help_["y"] >= body["y"] + body["height"]


def test_the_style_sheet_reaches_nothing_outside_the_page(page: Page, site: str) -> None:
    page.goto(framed(site, "bare", "success"))
    page.evaluate(
        """document.querySelector("main").insertAdjacentHTML(
          "beforebegin", "<section id=theirs><h1>A</h1><p><a href=x>b</a><button>c</button></p></section>")"""
    )
    styles = """[...document.querySelectorAll("html, body, main, #theirs, #theirs *")].map((element) =>
      [...getComputedStyle(element)].filter((name) => !name.startsWith("--")).map((name) =>
        /size|origin|height|width/.test(name) ? "" : getComputedStyle(element).getPropertyValue(name)).join())"""
    with_ours = page.evaluate(styles)
    page.evaluate("document.querySelector('link[rel=stylesheet]').disabled = true")
    assert page.evaluate(styles) == with_ours


class TestTheDark:
    @pytest.mark.parametrize("name", gallery.ALL)
    def test_a_page_is_legible(self, page: Page, site: str, name: str) -> None:
        page.emulate_media(color_scheme="dark")
        open_whole(page, address(site, name))
        expect(page.locator("body")).to_have_css("background-color", "rgb(18, 24, 30)")
        page.evaluate(AXE_SCRIPT)
        assert violations(page) == []

    def test_a_site_refuses_it(self, page: Page, site: str) -> None:
        page.emulate_media(color_scheme="dark")
        page.goto(address(site, "success"))
        page.add_style_tag(content=":root { --enrollment-color-scheme: light }")
        expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")

    @pytest.mark.parametrize("frame", frames.NAMES)
    @pytest.mark.parametrize("name", ["enroll", "enroll-inline", "system-error-again", "partial-some"])
    def test_a_page_is_legible_in_a_dark_design(self, page: Page, site: str, name: str, frame: str) -> None:
        open_whole(page, framed(site, frame, name))
        page.add_style_tag(content=":root { color-scheme: dark } body { background: #12181e; color: #fff }")
        page.evaluate(AXE_SCRIPT)
        # Only our part: the links around it are dark.
        found = page.evaluate("(rules) => axe.run('.enrollment', rules)", RULES)["violations"]
        assert [violation["id"] for violation in found] == []

    def test_the_fields_of_a_processor_stay_light(self, page: Page, site: str) -> None:
        page.emulate_media(color_scheme="dark")
        open_whole(page, address(site, "enroll-inline"))
        for field in page.locator(".enrollment-frame").all():
            expect(field).to_have_css("background-color", "rgb(255, 255, 255)")
            expect(field).to_have_css("color-scheme", "light")

    @pytest.mark.parametrize(("scheme", "color"), [("", "rgb(27, 39, 51)"), ("dark", "rgb(230, 235, 240)")])
    def test_a_base_of_its_own_decides_by_its_color_scheme(
        self, page: Page, site: str, scheme: str, color: str
    ) -> None:
        page.emulate_media(color_scheme="dark")
        page.goto(framed(site, "bare", "success"))
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme }", scheme)
        expect(page.locator(".enrollment")).to_have_css("color", color)

    def test_paper_is_white_and_has_no_buttons(self, page: Page, site: str) -> None:
        page.emulate_media(color_scheme="dark", media="print")
        page.goto(address(site, "system-error"))
        expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(page.locator(".enrollment-actions")).to_be_hidden()
        expect(page.locator(".enrollment-reference [aria-hidden]")).to_be_visible()

    @pytest.mark.parametrize("language", ["en", "es"])
    @pytest.mark.parametrize("name", ["success-expires", "success-region"])
    def test_what_riders_keep_is_one_sheet(self, page: Page, site: str, name: str, language: str) -> None:
        page.emulate_media(media="print")
        page.goto(address(site, name, language))
        assert b"/Count 1" in page.pdf(format="Letter")


@pytest.mark.parametrize("name", gallery.ALL)
def test_forced_colors_leave_every_page_legible(page: Page, site: str, name: str) -> None:
    page.emulate_media(forced_colors="active")
    open_whole(page, address(site, name))
    page.evaluate(AXE_SCRIPT)
    assert violations(page) == []


@pytest.mark.parametrize("name", gallery.ALL)
def test_the_readers_own_spacing_fits_at_400_percent(page: Page, site: str, name: str) -> None:
    page.set_viewport_size({"width": 320, "height": 256})
    open_whole(page, address(site, name, "es"))
    page.add_style_tag(
        content="""* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
        p { margin-block-end: 2em !important }"""
    )
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("name", gallery.ALL)
def test_a_page_weighs_under_40_kb_and_asks_for_nothing_but_style_and_scripts(page: Page, site: str, name: str) -> None:
    loaded: list[Request] = []

    def listen(request: Request) -> None:
        loaded.append(request)

    page.on("requestfinished", listen)
    open_whole(page, address(site, name))
    page.wait_for_load_state("networkidle")
    page.remove_listener("requestfinished", listen)
    # The processor's files and the token do not count as part of the page.
    own = [request for request in loaded if "/token/" not in request.url and "card-f" not in request.url]
    assert {request.resource_type for request in own} <= {"document", "stylesheet", "script"}
    assert sum(request.sizes()["responseBodySize"] for request in own) < 40_000
