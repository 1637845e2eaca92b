"""Three processors share only the contract. In Chromium, the browser side of each passes the same suite."""

from __future__ import annotations

from typing import Any

import pytest

from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.switchio import SwitchioProcessor
from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.switchio import Switchio
from enrollment_errors.testing.browser_conformance import CardFormConformance
from tests.inline.fields import fill_in
from tests.inline.processor import InlineProcessor
from tests.inline.service import GATEWAY_SCRIPT, Inline

pytest_plugins = ["enrollment_errors.testing.plugin"]
pytestmark = pytest.mark.browser


class LittlepayForm:
    processor = LittlepayProcessor
    options = Littlepay().options("https://verify.processor.test")
    addresses = {
        "https://verify.processor.test/assets/js/littlepay.min.js": (
            "text/javascript",
            "window.littlepay = (options) => { window.form = options; };",
        )
    }
    ends = ("tokenized", "refused", "failed", "cancelled")

    def finish(self, page: Any, end: str) -> None:
        callback, answer = {
            "tokenized": ("onTokenize", {"token": "card-1"}),
            "refused": ("onVerificationFailure", {}),
            "failed": ("onError", {"status": 500}),
            "cancelled": ("onCancel", None),
        }[end]
        page.click("#enrollment-open")
        page.evaluate("([callback, answer]) => window.form[callback](answer)", [callback, answer])


class SwitchioForm:
    processor = SwitchioProcessor
    options = Switchio().options("https://switchio.test")
    addresses: dict[str, tuple[str, str]] = {}
    ends = ()

    def finish(self, page: Any, end: str) -> None:
        raise NotImplementedError


class InlineForm:
    processor = InlineProcessor
    options = Inline().options("https://gateway.test")
    addresses = {"https://gateway.test/fields.js": ("text/javascript", GATEWAY_SCRIPT.read_text())}
    ends = ("tokenized", "failed", "invalid")

    def finish(self, page: Any, end: str) -> None:
        fill_in(page, end)


class TestLittlepay(CardFormConformance):
    @pytest.fixture
    def form(self):
        return LittlepayForm()


class TestSwitchio(CardFormConformance):
    @pytest.fixture
    def form(self):
        return SwitchioForm()


class TestInline(CardFormConformance):
    @pytest.fixture
    def form(self):
        return InlineForm()

    def test_the_same_card_has_another_token_each_time(self, rider, form):
        tokens = set()
        for _ in range(2):
            form.finish(rider.opens_ready().page, "tokenized")
            tokens.add(rider.has_posted()["card_token"])
            rider.posted.clear()
        assert len(tokens) == 2

    def test_our_own_words_stand_beside_a_field_that_is_wrong(self, rider, form):
        form.finish(rider.opens_ready().page, "invalid")
        rider.page.wait_for_selector("#enrollment-number-error:visible")
        assert rider.page.inner_text("#enrollment-number-error") == "Check the card number."
        assert not rider.page.is_visible("#enrollment-expiry-error")
        assert rider.page.inner_text("[role=status]") == "Your card is not enrolled yet. Correct what is marked above."
        assert rider.page.evaluate("document.activeElement.title") == "Card number"

    def test_a_frame_has_its_label_for_a_name(self, rider):
        frames = rider.opens_ready().page.locator("iframe")
        titles = [frame.get_attribute("title") for frame in frames.all()]
        assert titles == ["Card number", "Expiration date", "Security code"]


class TestTheSuite:
    @pytest.fixture
    def form(self):
        return LittlepayForm()

    html = CardFormConformance.html
    description = CardFormConformance.description
    rider = CardFormConformance.rider

    def test_notices_what_a_strict_policy_stops(self, rider):
        rider.opens_ready().page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
        rider.page.wait_for_function("document.body.lastElementChild.tagName === 'P'")
        assert rider.stopped
