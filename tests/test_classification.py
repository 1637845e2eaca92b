"""The table in DESIGN.md, row by row. Anything it does not list is a server error."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from enrollment_errors import exceptions
from enrollment_errors.catalogue import CODES
from enrollment_errors.classification import UNEXPECTED, Rule, Verdict, classify
from enrollment_errors.outcomes import Outcome, Stage
from enrollment_errors.secret import Secret

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
EVERY_STAGE = list(Stage)


def status(code: int, body: str = "") -> exceptions.StatusError:
    return exceptions.StatusError(code, Secret(body))


def outcome(error: BaseException, stage: Stage | None = Stage.LINK, **kwargs: object) -> Outcome:
    return classify(error, processor="littlepay", stage=stage, **kwargs).outcome  # type: ignore[arg-type]


def test_409_on_the_link_is_success():
    assert outcome(status(409), Stage.LINK) is Outcome.SUCCESS


@pytest.mark.parametrize("stage", [stage for stage in EVERY_STAGE if stage is not Stage.LINK])
def test_409_anywhere_else_is_a_server_error(stage):
    assert outcome(status(409), stage) is Outcome.SERVER_ERROR


@pytest.mark.parametrize("stage", EVERY_STAGE)
@pytest.mark.parametrize("code", [500, 501, 502, 503, 504, 520, 599])
def test_5xx_is_a_system_error_at_every_stage(code, stage):
    assert outcome(status(code), stage) is Outcome.SYSTEM_ERROR


@pytest.mark.parametrize("stage", EVERY_STAGE)
@pytest.mark.parametrize("code", [400, 401, 403, 404, 408, 422, 429, 499])
def test_other_4xx_is_a_server_error_at_every_stage(code, stage):
    assert outcome(status(code), stage) is Outcome.SERVER_ERROR


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TimedOut(),
        exceptions.ConnectionFailed(),
        exceptions.NameNotResolved(),
        exceptions.TlsFailed(),
        exceptions.CertificateExpired(),
        exceptions.CertificateNotValidYet(),
        exceptions.CertificateOfAnotherHost(),
        exceptions.CertificateUntrusted(),
        exceptions.DeadlineExceeded(),
        exceptions.CircuitOpen(),
        exceptions.ProcessorBusy(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_is_a_system_error(error):
    assert outcome(error) is Outcome.SYSTEM_ERROR


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TokenTypeUnsupported(),
        exceptions.ReplyBroken(),
        exceptions.ReplyNotJson(),
        exceptions.ReplyIncomplete(),
        exceptions.BaseUrlInvalid(),
        exceptions.CardTokenInvalid(),
        exceptions.ExpiryNotClearable(),
        exceptions.LinkNotConfirmed(),
        exceptions.ConfigurationError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_unusable_answer_and_our_own_mistakes_are_server_errors(error):
    assert outcome(error) is Outcome.SERVER_ERROR


@pytest.mark.parametrize("stage", EVERY_STAGE)
@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirect_is_a_server_error_that_names_the_base_url(code, stage):
    verdict = classify(status(code), processor="littlepay", stage=stage)
    assert verdict == Verdict(Outcome.SERVER_ERROR, "base_url_redirects")
    assert "BASE_URL" in CODES[verdict.code].action


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.CertificateExpired(), "certificate_expired"),
        (exceptions.CertificateNotValidYet(), "certificate_not_valid_yet"),
        (exceptions.CertificateOfAnotherHost(), "certificate_of_another_host"),
        (exceptions.CertificateUntrusted(), "certificate_untrusted"),
        (exceptions.TlsFailed(), "processor_tls_failed"),
        (exceptions.ReplyBroken(), "reply_broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_the_connection_has_a_code_of_its_own(error, code):
    assert classify(error, processor="littlepay", stage=Stage.LINK).code == code


def test_refused_card_details_are_to_be_tried_again():
    assert outcome(exceptions.CardRefused(), Stage.CARD_FORM) is Outcome.RETRY


def test_enrolled_and_outside_the_window_is_too_early():
    assert outcome(exceptions.ReenrollmentTooEarly(NOW, NOW)) is Outcome.TOO_EARLY


def test_a_lost_answer_that_nobody_settled_is_unknown():
    error = exceptions.LinkAnswerLost(exceptions.TimedOut(), exceptions.TimedOut())
    assert outcome(error) is Outcome.UNKNOWN


@pytest.mark.parametrize("code", [500, 503, 599, None])
def test_the_card_forms_error_with_5xx_or_no_status_is_a_system_error(code):
    assert outcome(exceptions.CardFormFailed(status=code), Stage.CARD_FORM) is Outcome.SYSTEM_ERROR


@pytest.mark.parametrize("code", [400, 401, 499])
def test_the_card_forms_error_with_4xx_is_a_server_error(code):
    assert outcome(exceptions.CardFormFailed(status=code), Stage.CARD_FORM) is Outcome.SERVER_ERROR


def test_a_script_that_does_not_load_is_a_system_error():
    assert outcome(exceptions.CardFormNotLoaded(), Stage.CARD_FORM) is Outcome.SYSTEM_ERROR


@pytest.mark.parametrize(
    ("code", "expected"), [(None, Outcome.SYSTEM_ERROR), (502, Outcome.SYSTEM_ERROR), (403, Outcome.SERVER_ERROR)]
)
def test_a_token_request_that_fails_in_the_browser_follows_its_status(code, expected):
    assert outcome(exceptions.TokenRequestFailed(status=code), Stage.TOKENIZATION) is expected


@pytest.mark.parametrize(
    "error", [ValueError("?"), KeyError("id"), status(600), status(100), exceptions.EnrollmentError()]
)
def test_what_no_row_matches_is_a_server_error(error):
    assert classify(error, processor="littlepay", stage=Stage.LINK) == UNEXPECTED
    assert UNEXPECTED.outcome is Outcome.SERVER_ERROR


def test_a_sites_own_rows_come_first():
    row = Rule(status=503, stage=Stage.LOOKUP, outcome=Outcome.RETRY, code="site_busy", reason="the site knows better")
    assert outcome(status(503), Stage.LOOKUP, site_rules=[row]) is Outcome.RETRY
    assert outcome(status(503), Stage.LINK, site_rules=[row]) is Outcome.SYSTEM_ERROR


def test_a_row_may_ask_about_the_processor():
    row = Rule(processor="other", outcome=Outcome.RETRY, code="x", reason="only theirs")
    assert outcome(status(503), site_rules=[row]) is Outcome.SYSTEM_ERROR
    assert classify(status(503), processor="other", stage=None, site_rules=[row]).outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (status(401), "credentials_refused"),
        (status(403), "permission_refused"),
        (status(404), "request_refused"),
        (status(429), "too_many_requests"),
        (status(503), "processor_error"),
        (exceptions.NameNotResolved(), "processor_name_not_resolved"),
        (exceptions.TlsFailed(), "processor_tls_failed"),
        (exceptions.ConnectionFailed(), "processor_unreachable"),
    ],
)
def test_operators_are_told_the_code_of_the_nearest_row(error, code):
    assert classify(error, processor="littlepay", stage=Stage.LOOKUP).code == code


def test_a_sites_own_row_may_have_a_code_of_its_own():
    row = Rule(status=503, outcome=Outcome.RETRY, code="site_busy", reason="the site knows better")
    assert classify(status(503), processor="littlepay", stage=None, site_rules=[row]).code == "site_busy"


def test_a_row_may_ask_about_the_words_of_the_answer():
    row = Rule(status=422, body="no such (group|card)", outcome=Outcome.RETRY, code="x", reason="their words")
    assert outcome(status(422, "NO SUCH card"), site_rules=[row]) is Outcome.RETRY
    assert outcome(status(422, "else"), site_rules=[row]) is Outcome.SERVER_ERROR
    assert outcome(exceptions.CardFormFailed(status=422), site_rules=[row]) is Outcome.SERVER_ERROR


def test_every_failure_that_is_known_says_why_it_ends_so():
    assert [name for name, code in CODES.items() if code.when and not code.reason] == []


def test_every_exception_of_the_tree_that_ends_an_enrollment_has_a_row_of_its_own():
    leaves = {
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, exceptions.EnrollmentError)
    } - {
        exceptions.EnrollmentError,
        exceptions.ProcessorError,
        exceptions.TransportError,
        exceptions.ReplyError,
        exceptions.CardFormUnfinished,
    }
    assert leaves <= {code.when.exception for code in CODES.values() if code.when}
