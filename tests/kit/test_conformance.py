"""Two processors that share nothing but the contract pass the same suite: Littlepay, and one from the documentation."""

from __future__ import annotations

import pytest

from enrollment_errors.testing.conformance import ProcessorConformance

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

    def test_it_takes_the_newest_active_token_of_a_rider_who_came_back(self, processor):
        handle = processor.request_tokenization("https://site.example/").handle
        assert processor.redeem(handle).reveal() == "new"
