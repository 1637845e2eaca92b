"""Things that no sound processor or browser sends: each ends under a known code, and none takes anything down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings

from enrollment_errors.sandbox.faults import Fault
from tests.rider import CARD_TOKEN, Rider

GROUP = "group-seniors"
LIVES = {
    "400 digits": "9" * 400,
    "1e18": "1e18",
    "more than a float": "1e400",
    "not a number": "NaN",
    "a numeric text": '"3600"',
    "words": '"soon"',
    "below zero": "-5",
    "true": "true",
    "a list": "[]",
}


def answers(body: str) -> Fault:
    return Fault(kind="status", status=200, body=body)


def token(life: str) -> Fault:
    return answers(f'{{"access_token": "an-odd-token", "token_type": "Bearer", "expires_in": {life}}}')


@pytest.fixture
def codes(telemetry: Any) -> Any:
    """Returns the codes that enrollments ended with so far. Fails if the cache was ever down."""

    def get() -> list[str]:
        assert "The cache" not in telemetry.everything()
        return [record.code for record in telemetry.records]

    return get


class TestTheLifeOfAToken:
    @pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
    def test_of_the_api_is_never_why_an_enrollment_fails(self, sandbox, site, codes, life):
        sandbox.state.api_tokens["an-odd-token"] = 4e9
        sandbox.faults.set("authorization", token(life))

        assert Rider().becomes_eligible().walks().page == "success"

        assert codes() == ["linked"]
        assert sandbox.calls["authorization"] == 1, "the token was not shared"

    def test_of_the_api_is_a_short_one_if_the_reply_names_none(self, sandbox, site, codes):
        sandbox.faults.set("authorization", Fault(kind="missing_fields", fields=("expires_in",)))

        assert Rider().becomes_eligible().walks().page == "success"

        assert codes() == ["linked"]
        assert sandbox.calls["authorization"] == 1

    @pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
    def test_of_the_card_form_is_nothing_that_a_page_could_not_wait_for(self, sandbox, rider, codes, life):
        sandbox.faults.set("tokenization", token(life))

        answer = rider.asks_for_token()

        assert answer.status_code == 200
        assert answer.json()["token"] == "an-odd-token"
        assert answer.json()["expires_in"] is None or 0 < answer.json()["expires_in"] <= 86_400
        assert codes() == []


class TestTheExpiryOfALink:
    @pytest.mark.parametrize(
        "expiry",
        ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00", "1800-02-28T00:00:00Z"],
    )
    def test_that_was_never_set_is_one_that_has_passed(self, sandbox, site, codes, expiry):
        card = sandbox.state.card(CARD_TOKEN).id
        sandbox.state.link(card, GROUP)
        sandbox.faults.set(
            "groups", answers(json.dumps({"list": [{"group_id": GROUP, "expiry_date": expiry}], "total_count": 1}))
        )

        assert Rider().becomes_eligible(expires=True).enrolls().page == "success"

        assert codes() == ["renewed"]
        assert sandbox.state.groups[GROUP].links[card].expiry is not None

    @pytest.mark.parametrize(
        "expiry", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999+14:00"]
    )
    @override_settings(TIME_ZONE="Pacific/Kiritimati")
    def test_at_the_end_of_all_days_is_far_off(self, sandbox, site, codes, expiry):
        sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, GROUP)
        sandbox.faults.set(
            "groups", answers(json.dumps({"list": [{"group_id": GROUP, "expiry_date": expiry}], "total_count": 1}))
        )

        assert Rider().becomes_eligible(expires=True).enrolls().page == "too_early"

        assert codes() == ["reenrollment_too_early"]


class TestAFundingSource:
    @pytest.mark.parametrize("source_id", [".", "..", "a\nb", " ", "x" * 100_000])
    def test_whose_id_has_no_place_in_an_address_is_an_incomplete_reply(self, sandbox, rider, codes, source_id):
        sandbox.faults.set("lookup", answers(json.dumps({"id": source_id})))

        assert rider.enrolls().page == "server_error"

        assert codes() == ["reply_incomplete"]
        assert sandbox.calls["link"] == 0

    def test_with_an_endless_card_scheme_is_told_of_in_short(self, sandbox, rider, telemetry):
        card = sandbox.state.card(CARD_TOKEN)
        told = {"id": card.id, "card_scheme": "visa\n" + "x" * 1_000_000, "card_category": "d" * 1_000_000}
        sandbox.faults.set("lookup", answers(json.dumps(told)))

        assert rider.enrolls().page == "success"

        telemetry.settle(amplitude=1)
        properties = telemetry.amplitude[0]["event_properties"]
        assert properties["card_scheme"].startswith("visaxxx")
        assert len(properties["card_scheme"]) == len(properties["card_category"]) == 40


class TestAnAccessToken:
    def test_that_is_too_long_for_a_header_is_an_incomplete_reply(self, sandbox, rider, codes):
        sandbox.faults.set("authorization", answers(json.dumps({"access_token": "x" * 1_500_000, "expires_in": 60})))

        assert rider.enrolls().page == "server_error"

        assert codes() == ["reply_incomplete"]


class TestAList:
    @pytest.mark.parametrize("items", [1, 100])
    def test_without_an_end_is_not_followed_for_ever(self, sandbox, site, codes, items):
        sandbox.state.link(sandbox.state.card(CARD_TOKEN).id, GROUP)
        sandbox.faults.set(
            "groups", answers(json.dumps({"list": [{"group_id": "another"}] * items, "total_count": 10**15}))
        )

        Rider().becomes_eligible(expires=True).enrolls()

        assert codes() == ["link_answer_lost"]
        assert sandbox.calls["groups"] == 20


class TestTheCardFormView:
    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b'{"event": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b'{"event": "' + b"x" * 3_000_000 + b'"}',
            b"\xff\xfe",
            b"[]",
            b'"text"',
        ],
        ids=["deep", "deep event", "3 MB", "no text", "a list", "a text"],
    )
    def test_calls_what_no_page_sends_a_bad_request(self, rider, codes, body):
        answer = rider.client.post(f"{rider.base}card-form/", body, content_type="application/json")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == "bad_request"
        assert codes() == []


def test_access_to_card_tokenization_is_asked_for_again_after_a_failure_that_passes(sandbox, rider):
    """Asking twice does no harm."""
    sandbox.faults.set("tokenization", Fault(kind="status", status=503, times=1))

    assert rider.asks_for_token().status_code == 200

    assert sandbox.calls["tokenization"] == 2
