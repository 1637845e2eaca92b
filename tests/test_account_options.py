"""A processor declares its account options, and an account's servers share one time budget and one set of parties."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from enrollment_errors import conf
from enrollment_errors.account_directory import get_account
from enrollment_errors.clock import Deadline
from enrollment_errors.exceptions import ConnectionFailed, DeadlineExceeded, ProcessorError
from enrollment_errors.opening import circuit_state, limits
from enrollment_errors.processors.account import Account
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Endpoint, Option, OptionKind
from enrollment_errors.transport.circuit import Phase

KEY = Option(name="KEY", help_text="The key of the API.", is_secret=True)
CERTIFICATE = Option(name="CERTIFICATE", kind=OptionKind.PEM, help_text="The client's certificate.", is_secret=True)
NUMBER = Option(name="NUMBER", kind=OptionKind.NUMBER, help_text="The number of the agency.", is_required=False)
LEVEL = Option(name="LEVEL", choices=("test", "production"), help_text="Which one.", is_required=False, default="test")


class TwoServersProcessor(LittlepayProcessor):
    account_options = (*LittlepayProcessor.account_options, KEY, CERTIFICATE, NUMBER, LEVEL)

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        return {
            "api": Endpoint(base_url=options["BASE_URL"]),
            "tokens": Endpoint(base_url="http://127.0.0.1:1", circuit="tokens"),
            "more": Endpoint(base_url=options["BASE_URL"], tls_context=ssl.create_default_context(), circuit="tokens"),
        }


GOOD = {"KEY": "k", "CERTIFICATE": "-----BEGIN CERTIFICATE-----"}


@pytest.fixture
def two_servers(settings: Any, site: Any) -> Account:
    options = {**settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]["OPTIONS"], **GOOD}
    site(ACCOUNTS={"littlepay": {"CLASS": f"{__name__}.TwoServersProcessor", "OPTIONS": options}}, BREAKER_FAILURES=1)
    return get_account("littlepay")


class TestOptions:
    @pytest.mark.parametrize(
        ("wrong", "problem"),
        [
            ({"KEY": ""}, '"KEY" is missing or empty.'),
            ({"KEY": None}, '"KEY" is missing or empty.'),
            ({"KEY": 1}, '"KEY" must be a string.'),
            ({"CERTIFICATE": "MIIB"}, '"CERTIFICATE" must be PEM, which starts with "-----BEGIN ".'),
            ({"CERTIFICATE": b"-----BEGIN "}, '"CERTIFICATE" must be a string.'),
            ({"NUMBER": "7"}, '"NUMBER" must be a whole number.'),
            ({"NUMBER": True}, '"NUMBER" must be a whole number.'),
            ({"LEVEL": "prod"}, '"LEVEL" must be one of test, production.'),
            ({"CARD_FORM_OPTIONS": "x"}, '"CARD_FORM_OPTIONS" must be a dict.'),
        ],
    )
    def test_that_are_wrong_are_told_as_they_are_declared(self, settings, wrong, problem):
        options = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]["OPTIONS"]
        assert TwoServersProcessor.check_options({**options, **GOOD, **wrong}) == [problem]

    def test_that_are_right_are_not(self, settings):
        options = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]["OPTIONS"]
        right = {**options, **GOOD, "NUMBER": 0, "LEVEL": "production"}
        assert TwoServersProcessor.check_options(right) == []

    @pytest.mark.parametrize(("options", "value"), [({}, "test"), ({"LEVEL": ""}, "test"), ({"LEVEL": "x"}, "x")])
    def test_that_are_left_out_have_their_default(self, options, value):
        assert LEVEL.of(options) == value

    def test_show_no_value_in_their_repr(self, two_servers):
        assert two_servers.options["BASE_URL"] not in repr(two_servers)


class TestEndpoints:
    @pytest.fixture
    def opened(self, two_servers: Account) -> Callable[..., Any]:
        def open_(budget: float = 5) -> Any:
            return two_servers.open(
                deadline=Deadline(budget), limits=limits(conf.get_settings()), parties=["session", ""]
            )

        return open_

    def test_share_the_riders_time(self, opened):
        processor = opened(budget=0)
        for http in processor.http_to.values():
            with pytest.raises(DeadlineExceeded):
                http.request("GET", "x", idempotent=True)

    def test_share_whom_they_are_called_for(self, opened):
        processor = opened()
        processor.http.parties.add("card")
        assert [http.parties for http in processor.http_to.values()] == [{"session", "card"}] * 3

    def test_are_found_by_name_and_the_first_one_without(self, opened):
        processor = opened()
        assert list(processor.http_to) == ["api", "tokens", "more"]
        assert processor.http is processor.http_to["api"]

    def test_have_each_their_own_tls(self, opened, two_servers):
        contexts = {name: http.tls_context for name, http in opened().http_to.items()}
        assert contexts == {name: endpoint.tls_context for name, endpoint in two_servers.endpoints.items()}

    def test_with_a_circuit_of_their_own_keep_nobody_from_the_others(self, opened, two_servers):
        processor = opened()
        with pytest.raises(ConnectionFailed):
            processor.http_to["tokens"].request("GET", "x", idempotent=False)
        with pytest.raises(ProcessorError, match="known to be down"):
            processor.http_to["more"].request("GET", "x", idempotent=False)
        with pytest.raises(ProcessorError, match="status 404"):
            processor.http.request("GET", "x", idempotent=False)

    def test_count_as_down_together_if_one_is_down(self, opened, two_servers):
        assert two_servers.circuits == ("littlepay", "littlepay/tokens")
        assert circuit_state(two_servers).phase is Phase.CLOSED
        with pytest.raises(ConnectionFailed):
            opened().http_to["tokens"].request("GET", "x", idempotent=False)
        assert circuit_state(two_servers).phase is Phase.OPEN
