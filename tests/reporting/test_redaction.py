from __future__ import annotations

import copy
import gc
import json
import pickle
import time
from collections import deque
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentry_sdk.utils import AnnotatedValue

from enrollment_errors.redaction import FILTERED, scrub_event, scrub_text
from enrollment_errors.secret import Secret

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/=", min_size=12, max_size=80)


class TestSecret:
    def test_is_shown_by_nothing_but_its_own_method(self) -> None:
        secret = Secret("4f0bN2kQ-plain")

        assert {repr(secret), str(secret), f"{secret}", f"{secret:>20}"} == {"Secret(…)"}
        assert secret.reveal() == "4f0bN2kQ-plain"

    def test_is_not_pickled(self) -> None:
        with pytest.raises(TypeError, match="encrypt"):
            pickle.dumps(Secret("4f0bN2kQ-plain"))

    def test_equals_one_that_holds_the_same(self) -> None:
        assert Secret("same") == Secret("same")
        assert Secret("same") != Secret("other")
        assert Secret("same") != "same"
        assert len({Secret("same"), Secret("same")}) == 1

    def test_that_holds_nothing_is_false(self) -> None:
        assert not Secret("")
        assert Secret("something")


class TestNamedInText:
    @pytest.mark.parametrize(
        "text",
        [
            "https://processor.test/api/v1/fundingsources/bytoken/S3CRET",
            "GET /api/v1/fundingsources/bytoken/S3CRET?page=1 HTTP/1.1",
            "POST /api/external/discount/7/token/S3CRET/add",
            "card_token=S3CRET&csrfmiddlewaretoken=S3CRET",
            "card_token%3DS3CRET%26next%3D1",
            '{"access_token": "S3CRET", "expires_in": 60}',
            "{'card_token': ['S3CRET']}",
            "<QueryDict: {'card_token': ['S3CRET with blanks']}>",
            '"{\\"client_secret\\": \\"S3CRET\\"}"',
            "[('Authorization', 'S3CRET'), ('Accept', '*/*')]",
            "Authorization: Bearer S3CRET",
            "Cookie: sessionid=S3CRET; language=es",
            "X-Forwarded-For: S3CRET",
            "card_token='S3CRET",
            'card_first_digits": "S3CRET"',
            "https://name:S3CRET@processor.test/",
            "eyJhbGciOiJIUzI1NiJ9.S3CRET.S3CRET",
            "-----BEGIN PRIVATE KEY-----\nS3CRET\nS3CRET\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nS3CRET, and cut of",
            ":1:django.contrib.sessions.cacheS3CRET",
        ],
    )
    def test_a_secret_is_taken_out(self, text: str) -> None:
        assert "S3CRET" not in scrub_text(text)
        assert FILTERED in scrub_text(text)

    @pytest.mark.parametrize(
        "text",
        [
            "no answer within 3 s",
            "GET api/v1/fundingsources/bytoken/{card_token}",
            "https://processor.test:8443/api/v1/concession_groups?page=1",
            "POST /enrollment/token/",
            "the script did not load",
            'ENROLLMENT_ERRORS["ACCOUNTS"]["mine"]["OPTIONS"]["CLIENT_SECRET"] must be a string, not int.',
            "rider@example.test at https://agency.test",
        ],
    )
    def test_what_is_no_secret_stays(self, text: str) -> None:
        assert scrub_text(text) == text

    @settings(deadline=None, max_examples=50)
    @given(st.text("token=/cki:;,'\"[](){}\\%3D -_\n", max_size=100))
    def test_twice_is_the_same_as_once(self, text: str) -> None:
        once = scrub_text(f"card_token={text}")

        assert scrub_text(once) == once

    @pytest.mark.parametrize(
        "part",
        ["token", "token=", "token/", "eyJ", "eyJaaaaaaaa.", "cookie", "cookie: ", "://", "://a", "a", " ", '"', "\\",
         "-----BEGIN PRIVATE KEY-----", "-----BEGIN A", "card_token': [", "authorization\"\"\"\" "],
    )  # fmt: skip
    def test_a_text_made_to_be_slow_is_not(self, part: str) -> None:
        text = part * (100_000 // len(part))

        started = time.process_time()
        scrub_text(text)

        assert time.process_time() - started < 2


class TestKnownFromALivingSecret:
    def test_it_is_taken_out_wherever_it_stands(self) -> None:
        secret = Secret("4f0bN2kQ-plain")

        assert scrub_text(f"values = ({secret.reveal()!r},)") == f"values = ('{FILTERED}',)"

    @settings(deadline=None, max_examples=50)
    @given(TOKENS)
    def test_percent_encoded_too(self, token: str) -> None:
        secret = Secret(token)

        assert secret.reveal() not in scrub_text(f"<{token}>")
        assert quote(token, safe="") not in scrub_text(f"<{quote(token, safe='')}>")

    def test_a_beginning_of_a_long_one_is_enough(self) -> None:
        secret = Secret("0123456789abcdefghijklmnopqrstuvwxyz" * 3)

        assert scrub_text(f"'{secret.reveal()[:60]}...'") == f"'{FILTERED}'"

    def test_every_one_that_lives_is_known(self) -> None:
        first, second = Secret("4f0bN2kQ-plain"), Secret("9dJwX1mZ-plain")

        assert scrub_text(f"{first.reveal()} {second.reveal()}") == f"{FILTERED} {FILTERED}"

    def test_one_that_begins_like_another_is_taken_out_whole(self) -> None:
        secrets = [Secret("4f0bN2kQ"), Secret("4f0bN2kQ-plain")]

        assert scrub_text(secrets[1].reveal()) == FILTERED

    def test_a_body_that_begins_like_another_is_taken_out_whole(self) -> None:
        bodies = [
            Secret("Conflict: customer 1234 of Main Street"),
            Secret("Conflict: customer 1234 of Main Street, Anytown"),
        ]

        assert scrub_text(bodies[1].reveal()) == FILTERED

    def test_one_of_middle_length_takes_nothing_along_that_follows(self) -> None:
        secret = Secret("4f0bN2kQ-plain")

        assert scrub_text(f"{secret.reveal()}/next") == f"{FILTERED}/next"

    def test_the_shortest_that_is_known_is_taken_out(self) -> None:
        secret = Secret("4f0bN2k")

        assert scrub_text(f"<{secret.reveal()}>") == f"<{FILTERED}>"

    def test_a_processors_body_is_taken_out_as_a_whole(self) -> None:
        body = Secret('{"errors": [{"detail": "Conflict: customer 1234 of Main Street"}]}')

        assert scrub_text(f"body = {body.reveal()}") == f"body = {FILTERED}"

    def test_a_short_one_takes_no_harmless_words_along(self) -> None:
        secret = Secret("status")

        assert scrub_text(f"status 503 {secret}") == "status 503 Secret(…)"

    def test_one_that_could_be_a_word_is_not_cut_out_of_a_longer_one(self) -> None:
        secret = Secret("refused")  # such as in the URL that returns a rider from a processor's site

        assert scrub_text("connection_refused") == "connection_refused"
        assert scrub_text(f"x={secret.reveal()}&y") == f"x={FILTERED}&y"

    def test_a_forgotten_one_is_no_longer_known(self) -> None:
        secret = Secret("4f0bN2kQ-plain")
        del secret
        gc.collect()

        assert scrub_text("4f0bN2kQ-plain") == "4f0bN2kQ-plain"

    def test_two_equal_ones_are_known_until_both_are_gone(self) -> None:
        first, second = Secret("4f0bN2kQ-plain"), Secret("4f0bN2kQ-plain")
        del first
        gc.collect()

        assert scrub_text("4f0bN2kQ-plain") == FILTERED
        assert second

    def test_a_huge_one_takes_no_time(self) -> None:
        secret = Secret("a b" * 1_000_000)

        started = time.process_time()
        assert scrub_text(f"<{secret.reveal()}>") == f"<{FILTERED}>"

        assert time.process_time() - started < 1

    def test_a_text_that_is_no_utf_8_breaks_nothing(self) -> None:
        secret = Secret("\ud800 a lone surrogate")

        assert scrub_text(f"<{secret.reveal()}>") == f"<{FILTERED}>"


class Unprintable:
    def __repr__(self) -> str:
        raise LookupError


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["extra", "vars", "data", "value", "values", "tags", "message", "_x", "pre_context"])
    return st.lists(children, max_size=3) | st.tuples(children) | st.dictionaries(names, children, max_size=3)


class TestScrubEvent:
    @settings(deadline=None, max_examples=50)
    @given(TOKENS, st.data())
    def test_a_living_secret_is_found_at_any_depth(self, token: str, data: st.DataObject) -> None:
        secret = Secret(token)
        leaves = st.sampled_from([token, f"a {token} b", token.encode(), Exception(token), 1, None])
        event = data.draw(st.recursive(leaves, containers, max_leaves=10))

        assert secret.reveal() not in json.dumps(scrub_event({"extra": event}), default=repr)

    @pytest.mark.parametrize(
        "name",
        ["card_token", "access_token", "CLIENT_SECRET", "Authorization", "HTTP_COOKIE", "csrfmiddlewaretoken",
         "X-Forwarded-For", "REMOTE_ADDR", "private_key", "api-key", "session_key", "card_last_digits"],
    )  # fmt: skip
    def test_what_a_sensitive_name_holds_is_filtered_whatever_it_is(self, name: str) -> None:
        for value in ("S3CRET", ["S3CRET"], {"a": "S3CRET"}, b"S3CRET"):
            assert scrub_event({"vars": {name: value}}) == {"vars": {name: FILTERED}}
            assert scrub_event({"headers": [(name, value)]}) == {"headers": [[name, FILTERED]]}

    def test_source_code_stays_readable_and_loses_known_secrets(self) -> None:
        secret = Secret("4f0bN2kQ-plain")
        frame = {
            "pre_context": ['card_token = request.POST["card_token"]', f'CLIENT_SECRET = "{secret.reveal()}"'],
            "context_line": "raise TimedOut(card_token)",
            "post_context": None,
        }

        assert scrub_event(frame) == {
            "pre_context": ['card_token = request.POST["card_token"]', f'CLIENT_SECRET = "{FILTERED}"'],
            "context_line": "raise TimedOut(card_token)",
            "post_context": None,
        }

    def test_what_the_sdk_needs_stays_as_it_is(self) -> None:
        event = {
            "event_id": "5510049335104334a490bd77f78917d1",
            "timestamp": datetime(2026, 11, 21, tzinfo=timezone.utc),
            "level": "error",
            "tags": {"enrollment.stage": "authorization", "enrollment.reference": "H7P-2QX-9MR"},
            "fingerprint": ["enrollment_errors", "littlepay", "authorization", "credentials_refused", "401"],
            "contexts": {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}, "enrollment": {"seconds": 0.75}},
            "_meta": {"vars": {"card_token": {"": {"len": 2000}}}},
        }

        assert scrub_event(copy.deepcopy(event), {}) == event

    def test_what_sentry_has_annotated_is_scrubbed_and_stays_annotated(self) -> None:
        annotated = AnnotatedValue("card_token=S3CRET", {"len": 5000})

        assert scrub_event({"data": annotated}) == {"data": AnnotatedValue(f"card_token={FILTERED}", {"len": 5000})}

    def test_any_sequence_and_any_object_is_looked_into(self) -> None:
        leak = "card_token=S3CRET"

        event = scrub_event(
            {"a": deque([leak]), "b": {leak}, "c": Exception(leak), "d": bytearray(b"card_token=S3CRET")}
        )

        assert "S3CRET" not in repr(event)

    def test_an_object_that_cannot_show_itself_is_filtered(self) -> None:
        assert scrub_event({"params": (Unprintable(),)}) == {"params": [FILTERED]}
