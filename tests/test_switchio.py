"""The Switchio protocol on the wire, against the sandbox, over TLS with a client certificate."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import serialization

from enrollment_errors.account_directory import get_account
from enrollment_errors.exceptions import (
    CardFormCancelled,
    CardFormFailed,
    CardRefused,
    CertificateUntrusted,
    ReplyIncomplete,
    ReplyNotJson,
    StatusError,
    TlsFailed,
    TokenizationExpired,
    TokenizationRunning,
)
from enrollment_errors.opening import open_processor
from enrollment_errors.processors.mutual_tls import mutual_tls_context, pem_problems
from enrollment_errors.processors.switchio import SwitchioProcessor
from enrollment_errors.processors.types import FundingSource, Link, TokenizationRequest
from enrollment_errors.sandbox.certificates import Authority
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.secret import Secret
from tests.rider import CARD_TOKEN
from tests.switchio import GROUP

RETURN_URL = "https://site.example/enrollment/?returned=abc"
ASKED = TokenizationRequest(language="es-mx", state="abc")


@pytest.fixture
def processor(switchio_site) -> SwitchioProcessor:
    opened = open_processor(get_account("switchio"))
    assert isinstance(opened, SwitchioProcessor)
    return opened


@pytest.fixture
def card(switchio) -> FundingSource:
    switchio.state.add_card(CARD_TOKEN)
    return FundingSource(id=CARD_TOKEN)


@pytest.fixture
def visit(processor):
    return processor.request_tokenization(RETURN_URL, ASKED)


@pytest.fixture
def finish(switchio, visit):
    """Decides how the visit ends."""

    def finish(**chosen):
        switchio.service.finish_visit(visit.url, **chosen)

    return finish


def expiry(switchio):
    return switchio.state.groups[GROUP].links[CARD_TOKEN].expiry


class TestTheTokenizationApi:
    def test_hears_where_the_rider_returns_to_and_how(self, switchio, visit):
        [request] = switchio.requests
        assert request.line == "POST /api/v1/registration HTTP/1.1"
        assert json.loads(request.body) == {
            "eshopRedirectUrl": RETURN_URL,
            "mode": "register",
            "eshopResponseMode": "query",
        }

    def test_gets_every_request_signed_over_what_is_sent(self, switchio, processor, visit):
        processor.is_still_good(visit)
        for request in switchio.requests:
            timestamp = request.headers["STP-TIMESTAMP"]
            assert abs(int(timestamp) - time.time()) < 5
            signed = f"{timestamp}{request.method}{request.target}".encode() + request.body
            assert (
                request.headers["STP-SIGNATURE"] == hmac.new(b"sandbox-api-secret", signed, hashlib.sha256).hexdigest()
            )
            assert request.headers["STP-APIKEY"] == "sandbox-api-key"

    def test_signs_the_path_that_stands_in_its_base_url_too(self, switchio, processor):
        processor.http_to["tokenization"].base_url += "/gateways/7"
        with pytest.raises(StatusError, match="404"):
            processor.request_tokenization(RETURN_URL, ASKED)
        [request] = switchio.requests
        signed = f"{request.headers['STP-TIMESTAMP']}POST/gateways/7/api/v1/registration".encode() + request.body
        signature = hmac.new(b"sandbox-api-secret", signed, hashlib.sha256).hexdigest()
        assert request.headers["STP-SIGNATURE"] == signature

    def test_never_gets_the_secret_and_the_other_api_never_its_key(self, switchio, processor, visit, card):
        processor.find_link(card, GROUP)
        assert not [request for request in switchio.requests if "sandbox-api-secret" in str(request.headers)]
        assert "sandbox-api-key" not in str(switchio.requests[-1].headers)

    def test_says_with_401_that_a_secret_is_wrong(self, switchio, processor):
        switchio.service.adopt({"API_SECRET": "rotated"})
        with pytest.raises(StatusError) as refused:
            processor.request_tokenization(RETURN_URL, ASKED)
        assert refused.value.status == 401


class TestTheGateway:
    @pytest.mark.parametrize(("language", "locale"), [("es-mx", "es"), ("en", "en"), ("ko", "en")])
    def test_is_visited_with_state_and_a_locale_that_it_speaks(self, switchio, processor, language, locale):
        asked = TokenizationRequest(language=language, state="a b")
        url = processor.request_tokenization(RETURN_URL, asked).url
        assert url.startswith(f"{switchio.control_url}/gateway/registration-")
        assert url.endswith(f"?state=a+b&locale={locale}")

    def test_keeps_the_query_of_its_own_address(self, switchio, processor):
        answer = json.dumps({"regId": "1", "gtwUrl": "https://gateway.test/?shop=7"})
        switchio.faults.set("tokenization", Fault(kind="status", status=201, body=answer))
        url = processor.request_tokenization(RETURN_URL, ASKED).url
        assert url == "https://gateway.test/?shop=7&state=abc&locale=es"

    @pytest.mark.parametrize("reply", [{"regId": "1", "gtwUrl": "https://[half"}, {"regId": "1"}, {"gtwUrl": "x"}])
    def test_without_an_address_is_an_incomplete_reply(self, switchio, processor, reply):
        switchio.faults.set("tokenization", Fault(kind="status", status=201, body=json.dumps(reply)))
        with pytest.raises(ReplyIncomplete):
            processor.request_tokenization(RETURN_URL, ASKED)


class TestAVisit:
    def test_that_ended_with_a_card_gives_the_newest_active_token_and_its_last_digits(
        self, switchio, processor, visit, finish
    ):
        finish(card="visa")
        card_token = processor.redeem(visit.handle, {})
        [registration] = switchio.state.registrations.values()
        assert card_token.reveal() == registration.card_token
        card = processor.find_funding_source(card_token)
        assert (card.id, card.last_digits) == (registration.card_token, "0119")

    @pytest.mark.parametrize(
        ("chosen", "query", "end"),
        [
            ({"card": "refused"}, {"error": "refused"}, CardRefused),
            ({"card": "error"}, {"error": "failed"}, CardFormFailed),
            ({"way": "expire"}, {}, TokenizationExpired),
            ({"way": "delete"}, {}, TokenizationExpired),
            ({"way": "leave"}, {}, TokenizationRunning),
            ({"way": "leave"}, {"error": "server_error"}, CardFormFailed),
            ({"way": "cancel"}, {"error": "canceled"}, CardFormCancelled),
        ],
    )
    def test_that_ended_otherwise_says_how(self, processor, visit, finish, chosen, query, end):
        finish(**chosen)
        with pytest.raises(end):
            processor.redeem(visit.handle, {name: Secret(value) for name, value in query.items()})

    def test_that_was_refused_has_the_processors_own_word_for_it(self, processor, visit, finish):
        finish(card="refused")
        with pytest.raises(CardRefused) as refused:
            processor.redeem(visit.handle, {})
        assert refused.value.reason == "verification_failed"

    @pytest.mark.parametrize(
        ("chosen", "is_good"),
        [
            ({"way": "leave"}, True),
            ({"way": "cancel"}, True),
            ({"card": "visa"}, False),
            ({"card": "refused"}, False),
            ({"card": "error"}, False),
            ({"way": "expire"}, False),
            ({"way": "delete"}, False),
        ],
    )
    def test_can_be_used_again_only_until_it_has_ended(self, processor, visit, finish, chosen, is_good):
        finish(**chosen)
        assert processor.is_still_good(visit) is is_good

    @pytest.mark.parametrize("tokens", [None, [], "none", [7], [{"token": 7, "tokenState": "active"}]])
    def test_that_is_finished_without_a_token_is_an_incomplete_reply(self, switchio, processor, visit, tokens):
        reply = json.dumps({"regState": "tokenization_finished", "tokens": tokens, "maskCln": 7})
        switchio.faults.set("registration", Fault(kind="status", status=200, body=reply))
        with pytest.raises(ReplyIncomplete):
            processor.redeem(visit.handle, {})

    def test_whose_card_has_no_number_to_show_is_fine(self, switchio, processor, visit):
        token = {"token": "t", "tokenState": "active", "validFrom": "2026-01-01"}
        reply = json.dumps({"regState": "tokenization_finished", "tokens": [token], "maskCln": 7})
        switchio.faults.set("registration", Fault(kind="status", status=200, body=reply))
        assert processor.find_funding_source(processor.redeem(visit.handle, {})).last_digits is None


class TestTheEnrollmentApi:
    def test_adds_a_card_until_an_expiry_in_utc(self, switchio, processor, card):
        expires_at = datetime(2027, 1, 31, 3, tzinfo=timezone(timedelta(hours=-5)))
        processor.link(card, GROUP, expires_at)
        request = switchio.requests[-1]
        assert request.target == f"/api/external/discount/42/token/{CARD_TOKEN}/add"
        assert json.loads(request.body) == {"group": GROUP, "expiresAt": "2027-01-31T08:00:00Z"}
        assert request.headers["Authorization"] == "Basic c2FuZGJveA=="

    def test_clears_an_expiry_by_saying_none(self, switchio, processor, card):
        processor.link(card, GROUP, datetime(2027, 1, 31, tzinfo=timezone.utc))
        processor.change_expiry(card, GROUP, None)
        assert json.loads(switchio.requests[-1].body) == {"group": GROUP}
        assert expiry(switchio) is None

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("2027-01-31T08:00:00", datetime(2027, 1, 31, 8, tzinfo=timezone.utc)),
            ("2027-01-31T08:00:00Z", datetime(2027, 1, 31, 8, tzinfo=timezone.utc)),
            ("2027-01-31T08:00:00+02:00", datetime(2027, 1, 31, 6, tzinfo=timezone.utc)),
            (None, None),
        ],
    )
    def test_tells_an_expiry_with_or_without_an_offset(self, switchio, processor, card, written, read):
        body = json.dumps([{"group": "ANOTHER"}, {"group": GROUP, "expiresAt": written}])
        switchio.faults.set("groups", Fault(kind="status", status=200, body=body))
        assert processor.find_link(card, GROUP) == Link(group_id=GROUP, expires_at=read)

    @pytest.mark.parametrize("body", ["", "OK", "The discount was added.", "{}"])
    def test_may_acknowledge_in_any_words(self, switchio, processor, card, body):
        switchio.faults.set("link", Fault(kind="status", status=200, body=body, content_type="text/plain"))
        processor.link(card, GROUP, None)

    def test_does_not_acknowledge_by_a_gateways_page(self, switchio, processor, card):
        switchio.faults.set("link", Fault(kind="not_json"))
        with pytest.raises(ReplyNotJson):
            processor.link(card, GROUP, None)

    def test_takes_a_card_out_again(self, switchio, processor, card):
        processor.link(card, GROUP, None)
        processor.client.remove(Secret(CARD_TOKEN), GROUP)
        assert processor.find_link(card, GROUP) is None

    def test_lists_the_groups_by_the_words_that_cards_have_them_in(self, processor):
        assert list(processor.find_groups()) == ["OLDER_ADULT", "VETERAN", "LOW_INCOME", "MEDICARE", "AGENCY_CARD"]

    def test_answers_whether_it_is_there(self, switchio, processor):
        processor.check_health()
        switchio.faults.set("health", Fault(kind="status", status=503))
        with pytest.raises(StatusError, match="503"):
            processor.check_health()


class TestTheTwoServers:
    def test_have_pools_and_circuits_of_their_own(self, switchio_site):
        account = get_account("switchio")
        assert list(account.endpoints) == ["enrollment", "tokenization"]
        assert account.circuits == ("switchio", "switchio/tokenization")

    def test_are_asked_over_connections_that_are_kept(self, switchio, processor, visit, card):
        for _ in range(3):
            processor.is_still_good(visit)
            processor.find_link(card, GROUP)
        assert switchio.connections == 2


class TestTheCertificates:
    def options(self, switchio, **changed):
        return {**switchio.account()["OPTIONS"], **changed}

    def test_of_a_site_that_has_none_are_asked_for(self, switchio, switchio_site, processor):
        context = ssl.create_default_context(cadata=switchio.service.authority.certificate)
        for http in processor.http_to.values():
            http.tls_context = context
        with pytest.raises(TlsFailed):
            processor.check_health()
        assert switchio.calls["health"] == 0

    def test_of_a_server_that_the_authority_did_not_sign_are_not_trusted(self, switchio, switchio_site):
        other = Authority().certificate
        switchio_site(
            ACCOUNTS={"switchio": {**switchio.account(), "OPTIONS": self.options(switchio, CA_CERTIFICATE=other)}}
        )
        with pytest.raises(CertificateUntrusted):
            open_processor(get_account("switchio")).check_health()

    def test_and_key_that_do_not_belong_together_are_told(self, switchio):
        foreign = Authority().issue("somebody").private_key
        problems = SwitchioProcessor.check_options(self.options(switchio, PRIVATE_KEY=foreign))
        assert problems == ["The private key does not belong to the client certificate."]

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("CLIENT_CERTIFICATE", "The client certificate cannot be read."),
            ("PRIVATE_KEY", "The private key cannot be read."),
        ],
    )
    def test_that_are_cut_off_are_told(self, switchio, name, problem):
        options = self.options(switchio)
        options[name] = options[name][:100]
        assert SwitchioProcessor.check_options(options) == [problem]

    def test_are_not_looked_at_while_something_is_missing(self, switchio):
        options = self.options(switchio)
        del options["PRIVATE_KEY"]
        assert SwitchioProcessor.check_options(options) == ['"PRIVATE_KEY" is missing or empty.']

    def test_whose_key_has_a_password_are_told(self):
        made = Authority().issue("somebody")
        key = serialization.load_pem_private_key(made.private_key.encode(), None)
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        ).decode()
        assert pem_problems(made.certificate, locked) == ["The private key has a password; store it without one."]

    def test_that_openssl_refuses_are_an_ssl_error(self):
        made = Authority().issue("somebody")
        with pytest.raises(ssl.SSLError):
            mutual_tls_context(made.certificate, made.private_key, "-----BEGIN CERTIFICATE-----\nAA==\n")
