"""The Littlepay protocol on the wire, against the sandbox."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from enrollment_errors.account_directory import get_account
from enrollment_errors.exceptions import ExpiryNotClearable, ReplyIncomplete, TokenTypeUnsupported
from enrollment_errors.opening import open_processor
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import FundingSource, Link, TokenizationRequest
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.secret import Secret
from tests.rider import CARD_TOKEN

GROUP = "group-seniors"
ASKED = TokenizationRequest(language="en")
card_form = LittlepayProcessor.card_form


@pytest.fixture
def processor(site) -> LittlepayProcessor:
    opened = open_processor(get_account("littlepay"))
    assert isinstance(opened, LittlepayProcessor)
    return opened


@pytest.fixture
def card(sandbox) -> FundingSource:
    return FundingSource(id=sandbox.state.card(CARD_TOKEN).id)


def body(request):
    return json.loads(request.body)


def test_the_access_token_is_asked_for_as_client_credentials_and_sent_bare(processor, sandbox):
    processor.request_tokenization("unused", ASKED)
    oauth, access = sandbox.requests
    assert oauth.target == "/api/v1/oauth/token"
    assert body(oauth) == {
        "grant_type": "client_credentials",
        "client_id": sandbox.state.client_id,
        "client_secret": sandbox.state.client_secret,
        "audience": sandbox.state.audience,
    }
    assert access.headers["Authorization"] in sandbox.state.api_tokens
    for request in (oauth, access):
        assert request.headers["Accept"] == request.headers["Content-Type"] == "application/json"
        assert request.headers["User-Agent"].startswith("django-enrollment-errors/")


def test_a_processor_without_a_redirect_flow_says_so_by_its_name(processor):
    with pytest.raises(NotImplementedError, match="LittlepayProcessor has no redirect flow"):
        processor.redeem(Secret("registration-1"), {})


def test_card_tokenization_is_asked_for_in_the_words_of_the_protocol(processor, sandbox):
    tokenization = processor.request_tokenization("unused", ASKED)
    assert body(sandbox.requests[-1]) == {"request_access": "CARD_TOKENISATION"}
    assert sandbox.state.accepts_form_token(tokenization.access_token.reveal())


@pytest.mark.parametrize(
    ("reply", "expires_at"),
    [
        ({"expires_in": 60}, 60.0),
        ({"expires_in": "60"}, 60.0),
        ({"expires_at": 4_000_000_000}, 86_400.0),
        ({"expires_in": 60, "expires_at": 4_000_000_000}, 86_400.0),
        ({"expires_in": 4_000_000_000}, 86_400.0),
        ({}, 0.0),
        ({"expires_in": "soon"}, 0.0),
        ({"expires_in": True}, 0.0),
    ],
)
def test_an_access_ends_when_the_reply_says_and_at_once_where_it_does_not(processor, sandbox, reply, expires_at):
    answer = json.dumps({"access_token": "t", "token_type": "Bearer", "something": "new", **reply})
    sandbox.faults.set("tokenization", Fault(kind="status", status=200, body=answer))
    now = processor.http.clock.time()
    ends = processor.request_tokenization("unused", ASKED).expires_at
    assert 0 <= ends - now - expires_at < 5


@pytest.mark.parametrize("token", [7, "", "with space", "tab\t", "ümlaut", None])
def test_a_token_that_no_header_can_carry_is_refused(processor, sandbox, token):
    sandbox.faults.set("tokenization", Fault(kind="status", status=200, body=json.dumps({"access_token": token})))
    with pytest.raises(ReplyIncomplete):
        processor.request_tokenization("unused", ASKED)


def test_a_token_type_other_than_bearer_is_refused(processor, sandbox):
    sandbox.state.token_type = "mac"
    with pytest.raises(TokenTypeUnsupported):
        processor.request_tokenization("unused", ASKED)


def test_a_token_without_a_type_is_taken_as_bearer(processor, sandbox):
    sandbox.faults.set("tokenization", Fault(kind="missing_fields", fields=("token_type",)))
    assert processor.request_tokenization("unused", ASKED).access_token


def test_a_funding_source_keeps_scheme_category_and_last_digits_and_nothing_else_of_the_card(processor, sandbox, card):
    found = processor.find_funding_source(Secret(CARD_TOKEN))
    assert found == FundingSource(id=card.id, scheme="visa", category="debit", last_digits="0119")
    assert card.id not in repr(found)
    assert "0119" not in repr(found)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0119", "0119"),
        ("4111111111110119", "0119"),
        ("**** **** **19", "19"),
        ("none", None),
        (119, None),
        (None, None),
    ],
)
def test_of_a_cards_digits_four_are_kept_at_most(given, kept):
    assert FundingSource(id="x", last_digits=given).last_digits == kept


@pytest.mark.parametrize("source_id", [7, ["x"], {}])
def test_a_funding_source_whose_id_is_no_text_is_refused(processor, sandbox, source_id):
    sandbox.faults.set("lookup", Fault(kind="status", status=200, body=json.dumps({"id": source_id})))
    with pytest.raises(ReplyIncomplete):
        processor.find_funding_source(Secret(CARD_TOKEN))


def test_a_scheme_that_is_no_text_is_none(processor, sandbox):
    sandbox.faults.set("lookup", Fault(kind="status", status=200, body='{"id": "x", "card_scheme": 7}'))
    assert processor.find_funding_source(Secret(CARD_TOKEN)) == FundingSource(id="x")


def test_a_link_has_the_id_and_no_expiry_where_the_benefit_does_not_expire(processor, sandbox, card):
    processor.link(card, GROUP, None)
    assert body(sandbox.requests[-1]) == {"id": card.id}


def test_a_links_expiry_is_in_utc_with_whole_seconds(processor, sandbox, card):
    processor.link(card, GROUP, datetime.fromisoformat("2027-01-31T00:00:00.900-08:00"))
    assert body(sandbox.requests[-1]) == {"id": card.id, "expiry": "2027-01-31T08:00:00Z"}


def test_an_expiry_is_changed_by_a_put_to_the_link(processor, sandbox, card):
    sandbox.state.link(card.id, GROUP)
    processor.change_expiry(card, GROUP, datetime(2027, 1, 31, 8, tzinfo=timezone.utc))
    request = sandbox.requests[-1]
    assert (request.method, request.target) == ("PUT", f"/api/v1/concession_groups/{GROUP}/fundingsources/{card.id}")
    assert body(request) == {"expiry": "2027-01-31T08:00:00Z"}


def test_an_expiry_cannot_be_cleared_and_nobody_is_asked(processor, sandbox, card):
    with pytest.raises(ExpiryNotClearable):
        processor.change_expiry(card, GROUP, None)
    assert not sandbox.requests


def test_a_card_is_unlinked(processor, sandbox, card):
    sandbox.state.link(card.id, GROUP)
    processor.client.unlink(GROUP, Secret(card.id))
    assert processor.find_link(card, GROUP) is None


@pytest.mark.parametrize(
    ("written", "expires_at"),
    [
        ("2027-01-31T08:00:00Z", datetime(2027, 1, 31, 8, tzinfo=timezone.utc)),
        ("2027-01-31T00:00:00-08:00", datetime(2027, 1, 31, 8, tzinfo=timezone.utc)),
        ("2027-01-31T08:00:00", datetime(2027, 1, 31, 8, tzinfo=timezone.utc)),
        (None, None),
        ("", None),
    ],
)
def test_the_expiry_of_a_link_is_read_in_every_way_it_may_be_written(processor, sandbox, card, written, expires_at):
    listed = {"list": [{"group_id": "other"}, {"group_id": GROUP, "expiry_date": written, "new": 1}], "total_count": 2}
    sandbox.faults.set("groups", Fault(kind="status", status=200, body=json.dumps(listed)))
    assert processor.find_link(card, GROUP) == Link(group_id=GROUP, expires_at=expires_at)


@pytest.mark.parametrize("written", ["soon", 7, "2027-13-41T00:00:00Z", []])
def test_an_expiry_that_is_not_a_time_is_refused(processor, sandbox, card, written):
    listed = {"list": [{"group_id": GROUP, "expiry_date": written}]}
    sandbox.faults.set("groups", Fault(kind="status", status=200, body=json.dumps(listed)))
    with pytest.raises(ReplyIncomplete):
        processor.find_link(card, GROUP)


@pytest.mark.parametrize("listed", [{"list": {}}, {"list": ["x"]}, {"total_count": 1}])
def test_a_reply_without_a_list_is_refused(processor, sandbox, card, listed):
    sandbox.faults.set("groups", Fault(kind="status", status=200, body=json.dumps(listed)))
    with pytest.raises(ReplyIncomplete):
        processor.find_link(card, GROUP)


def test_all_groups_are_listed_however_many_pages_they_take(processor, sandbox):
    for number in range(250):
        sandbox.state.add_group(f"group-{number}")
    assert len(list(processor.client.get_concession_groups())) == len(sandbox.state.groups)
    assert sandbox.calls["concession_groups"] == 3


@pytest.mark.parametrize(("count", "calls"), [(5_000, 2), (None, 1), ("many", 1), (10**400, 1)])
def test_a_list_whose_count_is_wrong_or_missing_ends_all_the_same(processor, sandbox, count, calls):
    one = json.dumps({"list": [{"id": "a"}], "total_count": count})
    none = json.dumps({"list": [], "total_count": count})
    sandbox.faults.set(
        "concession_groups",
        Fault(kind="status", status=200, body=one, times=1),
        Fault(kind="status", status=200, body=none),
    )
    assert list(processor.client.get_concession_groups())
    assert sandbox.calls["concession_groups"] == calls


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "en"), ("en-us", "en"), ("es", "es-419"), ("es-mx", "es-419"), ("ko", "en")]
)
def test_the_card_form_speaks_the_pages_language_where_it_can(processor, language, expected):
    form = card_form({"CARD_FORM_URL": "https://verify.example/"}, TokenizationRequest(language=language))
    assert form.script == "https://verify.example/assets/js/littlepay.min.js"
    assert form.data == {"envUrl": "https://verify.example", "options": {"language": expected}}


def test_the_card_form_takes_the_sites_own_options():
    options = {"CARD_FORM_URL": "https://verify.example", "CARD_FORM_OPTIONS": {"color": "#046b99"}}
    assert card_form(options, ASKED).data["options"] == {"color": "#046b99", "language": "en"}


def test_the_card_form_takes_the_card_schemes_of_the_agency_and_else_those_of_the_account():
    options = {"CARD_FORM_URL": "https://verify.example", "CARD_FORM_OPTIONS": {"cardTypes": ["amex"]}}
    asked = TokenizationRequest(language="en", card_schemes=("visa", "mastercard"))
    assert card_form(options, asked).data["options"]["cardTypes"] == ["visa", "mastercard"]
    assert card_form(options, ASKED).data["options"]["cardTypes"] == ["amex"]


@pytest.mark.parametrize("is_in_person", [True, False])
def test_the_card_form_opens_at_once_for_staff_and_waits_for_riders(is_in_person):
    asked = TokenizationRequest(language="en", is_in_person=is_in_person)
    assert card_form({"CARD_FORM_URL": "https://verify.example/"}, asked).opens_at_once is is_in_person
