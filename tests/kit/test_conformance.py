"""Two processors that share nothing but the contract pass the same suite: Littlepay, and one from the documentation."""

from __future__ import annotations

import pytest

from enrollment_errors.exceptions import (
    CardFormCancelled,
    CardFormFailed,
    CardRefused,
    TokenizationExpired,
    TokenizationRunning,
)
from enrollment_errors.secret import Secret
from enrollment_errors.testing.conformance import ASKED, ProcessorConformance
from tests.inline.backend import inline

from .backends import littlepay, switchio


class TestLittlepay(ProcessorConformance):
    @pytest.fixture
    def backend(self):
        with littlepay() as backend:
            yield backend


class TestSwitchio(ProcessorConformance):
    @pytest.fixture
    def backend(self):
        with switchio() as backend:
            yield backend

    @pytest.fixture
    def visit(self, processor):
        return processor.request_tokenization("https://site.example/", ASKED)

    def test_it_sends_the_rider_with_state_and_locale(self, visit):
        assert visit.url == "https://gateway.test/1?state=a-state&locale=en"

    def test_it_takes_the_newest_active_token_of_a_rider_who_came_back(self, backend, processor, visit):
        backend.registration = "tokenization_finished"
        assert processor.redeem(visit.handle, {}).reveal() == "new"

    @pytest.mark.parametrize(
        ("state", "end"),
        [
            ("verification_failed", CardRefused),
            ("tokenization_failed", CardFormFailed),
            ("expired", TokenizationExpired),
            ("deleted", TokenizationExpired),
            ("created", TokenizationRunning),
        ],
    )
    def test_it_tells_apart_how_a_visit_ended(self, backend, processor, visit, state, end):
        backend.registration = state
        with pytest.raises(end):
            processor.redeem(visit.handle, {})

    def test_it_knows_a_rider_who_cancelled_by_the_way_back(self, processor, visit):
        with pytest.raises(CardFormCancelled):
            processor.redeem(visit.handle, {"error": Secret("canceled")})

    def test_it_says_of_a_visit_that_is_over_that_it_is_good_no_more(self, backend, processor, visit):
        backend.registration = "expired"
        assert not processor.is_still_good(visit)


class TestInline(ProcessorConformance):
    @pytest.fixture
    def backend(self):
        with inline() as backend:
            yield backend

    def test_two_tokens_of_a_card_are_the_same_card(self, processor):
        found = [processor.find_funding_source(Secret(f"0119-{text}"[1:])) for text in ("a", "b")]
        assert found[0] == found[1]
        assert found[0].last_digits == "119"

    def test_a_card_without_a_transit_account_is_refused(self, processor):
        with pytest.raises(CardRefused, match="no transit account"):
            processor.find_funding_source(Secret("0000-x"))

    def test_one_whose_form_needs_no_access_has_none_to_give(self, processor):
        with pytest.raises(NotImplementedError, match="InlineProcessor gives no access"):
            processor.request_tokenization("https://site.example/", ASKED)
