"""If a site traces, each upstream call is one span of the request, and no span contains a secret."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from django.core.cache import caches
from sentry_sdk.integrations.django import DjangoIntegration

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import CARD_TOKEN, Rider

TOKEN = "POST api/v1/oauth/token"
TOKENIZATION = "POST api/v1/cardtokenisation/requestaccess"
LOOKUP = "GET api/v1/fundingsources/bytoken/{card_token}"
LINK = "POST api/v1/concession_groups/{group_id}/fundingsources"
GROUPS = "GET api/v1/fundingsources/{funding_source_id}/concession_groups"

Transactions = list[dict[str, Any]]


@pytest.fixture
def transactions() -> Iterator[Transactions]:
    """What the real SDK would send for each traced request, with every span that its Django integration can make."""
    kept: Transactions = []
    before = sentry_sdk.get_client()
    with sentry_sdk.isolation_scope(), sentry_sdk.new_scope(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # send_default_pii, as most sites have it
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:1/1",
            traces_sample_rate=1.0,
            send_default_pii=True,
            integrations=[DjangoIntegration(middleware_spans=True, signals_spans=True, cache_spans=True)],
            before_send=lambda event, hint: None,
            before_send_transaction=lambda event, hint: kept.append(event),
        )
        caches["default"] = caches.create_connection("default")  # now that the SDK traces new caches
        yield kept
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(before)
    caches["default"] = caches.create_connection("default")


@pytest.fixture
def walk(rider: Rider, sandbox: SandboxServer, transactions: Transactions) -> Callable[[], dict[str, Any]]:
    """Traces a token request and an enrollment. Returns the transaction."""

    def traced() -> dict[str, Any]:
        with sentry_sdk.start_transaction(op="http.server", name="/enrollment/"):
            rider.walks()
        [transaction] = transactions
        return transaction

    return traced


def upstream(transaction: dict[str, Any]) -> list[str]:
    return [span["description"] for span in transaction["spans"] if span["op"] == "http.client"]


def said(transactions: Transactions) -> str:
    return json.dumps(transactions, default=str)


def test_each_call_of_an_enrollment_is_one_span_with_its_templated_route(
    walk: Callable[[], dict[str, Any]], sandbox: SandboxServer
) -> None:
    transaction = walk()

    assert upstream(transaction) == [TOKEN, TOKENIZATION, LOOKUP, LINK]
    assert sum(sandbox.calls.values()) == 4


def test_so_are_the_tries_of_one_that_fails_and_the_question_what_became_of_it(
    walk: Callable[[], dict[str, Any]], sandbox: SandboxServer
) -> None:
    sandbox.faults.set("lookup", Fault(kind="status", status=503, times=1))
    sandbox.faults.set("link", Fault(kind="reset", after_effect=True, times=1))

    assert upstream(walk()) == [TOKEN, TOKENIZATION, LOOKUP, LOOKUP, LINK, GROUPS]


@pytest.mark.parametrize("endpoint", ["none", "authorization", "tokenization", "lookup", "link"])
def test_no_span_knows_a_secret_whatever_fails(
    walk: Callable[[], dict[str, Any]], sandbox: SandboxServer, endpoint: str
) -> None:
    if endpoint != "none":
        sandbox.faults.set(endpoint, Fault(kind="status", status=500, body=CARD_TOKEN))

    transaction = walk()

    assert {"http", "middleware", "cache"} <= {span["op"].partition(".")[0] for span in transaction["spans"]}
    secrets = [CARD_TOKEN, sandbox.state.client_secret, *sandbox.state.api_tokens, *sandbox.state.form_tokens]
    assert [secret for secret in secrets if secret in said([transaction])] == []


def test_the_same_search_finds_what_the_site_itself_lets_go(transactions: Transactions) -> None:
    with sentry_sdk.start_transaction(name=f"/of-the-site/{CARD_TOKEN}/"):
        pass

    assert CARD_TOKEN in said(transactions)


def test_a_site_that_does_not_trace_sends_none(rider: Rider, transactions: Transactions) -> None:
    rider.walks()

    assert transactions == []
