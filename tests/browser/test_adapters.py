"""Whatever a processor's adapter does, the enroll page never leaves a rider with a dead button."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages import gallery

from .gallery_site import address, serve

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


class Adapted:
    """The enroll page with the test's own adapter and without a processor's script."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.reports: list[dict[str, Any]] = []
        self.leads_to: str | None = None
        self.button = page.get_by_role("button", name="Enroll")
        self.status = page.get_by_role("status")
        page.route("**/report/", self._report)

    def _report(self, route: Any) -> None:
        self.reports.append(json.loads(route.request.post_data or ""))
        is_end = self.reports[-1]["event"] not in ("started", "tokenized", "cancelled")
        route.fulfill(json={"redirect": self.leads_to if is_end else None})

    def opens(self, adapter: str, name: str = "enroll", *, at_once: bool = False, **data: Any) -> Adapted:
        script = f"window.enrollmentErrors.cardForm = {adapter};" if adapter else ""
        file = gallery.PICTURES[name].context["card_form"].adapter
        self.page.route(f"**/static/{file}", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        shown = {**gallery.PICTURES[name].context["page_data"], **data}
        shown["cardForm"] = {**shown["cardForm"], "script": "", "opensAtOnce": at_once}
        html = self.page.request.get(address(self.site, name)).text()
        begin = html.index(">", html.index('id="enrollment-data"')) + 1
        html = html[:begin] + json.dumps(shown) + html[html.index("</script>", begin) :]
        self.page.route("**/pictures/**", lambda route: route.fulfill(body=html, content_type="text/html"))
        self.page.goto(address(self.site, name))
        return self

    def ends_on(self, name: str) -> None:
        expect(self.page).to_have_title(name)


@pytest.fixture
def adapted(browser: Browser, site: str) -> Iterator[Adapted]:
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        yield Adapted(page, site)
        page.unroute_all(behavior="ignoreErrors")


class TestAnAdapter:
    @pytest.mark.parametrize(
        "adapter",
        [
            "",
            "{ prepare() { throw new Error('no'); } }",
            "{ prepare: () => Promise.reject(new Error('no')) }",
            "{ prepare(page) { page.notLoaded(new Error('no')); } }",
        ],
    )
    def test_that_cannot_make_the_form_ends_on_a_page_that_says_so(self, adapted: Adapted, adapter: str) -> None:
        adapted.leads_to = "/pages/system-error/"
        adapted.opens(adapter)
        adapted.ends_on("system-error")
        assert [told["event"] for told in adapted.reports] == ["form_not_loaded"]

    def test_that_is_never_prepared_is_given_up(self, adapted: Adapted) -> None:
        adapted.page.clock.install()
        adapted.leads_to = "/pages/system-error/"
        adapted.opens("{ prepare: () => new Promise(() => {}) }")
        expect(adapted.button).to_be_disabled()
        adapted.page.clock.fast_forward(20_000)
        adapted.ends_on("system-error")

    def test_whose_file_does_not_come_ends_on_a_page_that_says_so(self, adapted: Adapted) -> None:
        adapted.leads_to = "/pages/system-error/"
        adapted.page.route("**/static/**/processors/*.js", lambda route: route.abort())
        adapted.page.goto(address(adapted.site, "enroll"))
        adapted.ends_on("system-error")

    @pytest.mark.parametrize(
        "adapter",
        ["{ open() { throw new Error('no'); } }", "{ open: () => Promise.reject(new Error('no')) }"],
    )
    def test_that_cannot_open_the_form_ends_on_a_page_that_says_so(self, adapted: Adapted, adapter: str) -> None:
        adapted.leads_to = "/pages/system-error/"
        adapted.opens(adapter).button.click()
        adapted.ends_on("system-error")
        assert [told["event"] for told in adapted.reports] == ["started", "form_not_loaded"]

    def test_says_why_the_card_was_refused(self, adapted: Adapted) -> None:
        adapted.leads_to = "/pages/check-card/"
        adapted.opens("{ open(page) { page.refused({ reason: 'expired card', status: 'x' }); } }").button.click()
        adapted.ends_on("check-card")
        [refused] = [told for told in adapted.reports if told["event"] == "refused"]
        assert (refused["reason"], refused["status"]) == ("expired card", None)

    def test_that_says_more_after_an_end_is_not_heard(self, adapted: Adapted) -> None:
        adapted.leads_to = "/pages/check-card/"
        adapted.opens(
            "{ open(page) { page.refused(); page.failed(); page.cancelled(); page.invalid([]); page.leave('/x');"
            " page.tokenized({ token: 'a-card' }); } }"
        ).button.click()
        adapted.ends_on("check-card")
        assert [told["event"] for told in adapted.reports] == ["started", "refused"]

    def test_leads_nowhere_but_to_an_address_of_the_web(self, adapted: Adapted) -> None:
        adapted.opens("{ open(page) { page.leave('javascript:alert(1)'); } }").button.click()
        expect(adapted.status).to_have_text("Enter your card details in the card form.")


class TestAFormThatOpensAtOnce:
    ADAPTER = "{ open() { window.opened = (window.opened || 0) + 1; } }"

    def test_needs_no_press(self, adapted: Adapted) -> None:
        adapted.opens(self.ADAPTER, at_once=True)
        adapted.page.wait_for_function("window.opened === 1")
        expect(adapted.status).to_have_text("Enter your card details in the card form.")

    def test_does_not_open_again_for_a_rider_who_has_just_left_it(self, adapted: Adapted) -> None:
        adapted.opens(self.ADAPTER, at_once=True, unfinished="card_form_cancelled")
        expect(adapted.button).to_be_enabled()
        assert adapted.page.evaluate("window.opened") is None


class TestARiderWhoCameBackWithoutACard:
    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("card_form_cancelled", "You left the secure page. Your card is not enrolled yet."),
            ("tokenization_expired", "Your time on the secure page ran out. Your card is not enrolled yet."),
            ("tokenization_running", "You did not finish on the secure page. Your card is not enrolled yet."),
            ("a_code_of_the_site's_own", "Ready. Select Enroll to go on."),
        ],
    )
    def test_is_told_and_can_go_on(self, adapted: Adapted, code: str, words: str) -> None:
        adapted.opens("{}", "enroll-redirect", unfinished=code)
        expect(adapted.status).to_have_text(words)
        expect(adapted.button).to_be_enabled()


class TestFieldsWithinThePage:
    def test_that_are_wrong_are_named_until_they_are_sent_again(self, adapted: Adapted) -> None:
        adapted.opens("{ open(page) { page.invalid(window.wrong); } }", "enroll-inline")
        for wrong, known in ((["expiry", "code", "unknown"], ["expiry", "code"]), (["number"], ["number"]), ([], [])):
            adapted.page.evaluate("(wrong) => { window.wrong = wrong; }", wrong)
            adapted.button.click()
            shown = adapted.page.locator("[data-enrollment-field]:has([data-enrollment-error]:not([hidden]))")
            expect(shown).to_have_count(len(known))
            assert [field.get_attribute("data-enrollment-field") for field in shown.all()] == known
            expect(adapted.button).to_be_enabled()

    def test_are_sent_once_while_the_gateway_thinks(self, adapted: Adapted) -> None:
        adapted.opens("{ open() {} }", "enroll-inline").button.click()
        expect(adapted.button).to_be_disabled()
        expect(adapted.status).to_have_text("One moment…")

    def test_can_be_wrong_without_a_place_to_go_to(self, adapted: Adapted) -> None:
        adapted.opens("{ open(page) { page.invalid(['number']); } }", "enroll-inline").button.click()
        expect(adapted.button).to_be_focused()

    def test_are_known_to_the_adapter_by_place_and_label(self, adapted: Adapted) -> None:
        adapted.opens("{ prepare(page) { window.fields = page.fields; } }", "enroll-inline")
        expect(adapted.button).to_be_enabled()
        known = adapted.page.evaluate(
            "Object.entries(window.fields).map(([name, field]) => [name, field.selector, field.label, field.at.id])"
        )
        assert known == [
            ["number", "#enrollment-number", "Card number", "enrollment-number"],
            ["expiry", "#enrollment-expiry", "Expiration date", "enrollment-expiry"],
            ["code", "#enrollment-code", "Security code", "enrollment-code"],
        ]
