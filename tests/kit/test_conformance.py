"""Three processors share only the contract, and each passes the same suite."""

from __future__ import annotations

import pytest

from enrollment_errors.exceptions import CardRefused
from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.switchio import Switchio
from enrollment_errors.secret import Secret
from enrollment_errors.testing.conformance import ASKED, ProcessorConformance
from tests.inline.service import Inline

from .backends import backend_of


class TestLittlepay(ProcessorConformance):
    @pytest.fixture
    def backend(self):
        with backend_of(Littlepay()) as backend:
            yield backend


class TestSwitchio(ProcessorConformance):
    @pytest.fixture
    def backend(self):
        with backend_of(Switchio()) as backend:
            yield backend


class TestInline(ProcessorConformance):
    @pytest.fixture
    def backend(self):
        with backend_of(Inline()) as backend:
            yield backend

    def test_two_tokens_of_a_card_are_the_same_card(self, processor):
        found = [processor.find_funding_source(Secret(f"0119-{text}"[1:])) for text in ("a", "b")]
        assert found[0] == found[1]
        assert found[0].last_digits == "119"

    def test_a_card_without_a_transit_account_is_refused(self, processor):
        with pytest.raises(CardRefused, match="no transit account"):
            processor.find_funding_source(Secret("0000-x"))

    def test_one_whose_form_needs_no_access_has_none_to_give(self, processor):
        with pytest.raises(NotImplementedError, match="InlineProcessor does not give access"):
            processor.request_tokenization("https://site.example/", ASKED)
