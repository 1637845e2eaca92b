"""Logs, breadcrumbs, and spans show no secret from our calls. What the site itself does shows up as before."""

from __future__ import annotations

import logging
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import sentry_sdk
import urllib3
from sentry_sdk.consts import DEFAULT_OPTIONS
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from enrollment_errors.exceptions import ProcessorError
from enrollment_errors.secret import Secret
from enrollment_errors.transport import ProcessorHttp

from .certificates import Certificate
from .conftest import Connect, Serve
from .upstream import Connection, Upstream, answering, refusing_port, well

# Random, not literals: Sentry also sends the source lines around a frame.
CARD_TOKEN = f"card-token-{uuid.uuid4().hex}"
ACCESS_TOKEN = f"access-token-{uuid.uuid4().hex}"
ROUTE = "GET fundingsources/bytoken/{card_token}"


def call(http: ProcessorHttp) -> None:
    http.request(
        "GET",
        "fundingsources/bytoken/{card_token}",
        path={"card_token": Secret(CARD_TOKEN)},
        query={"card_token": Secret(CARD_TOKEN)},
        headers={"Authorization": Secret(ACCESS_TOKEN)},
        idempotent=True,
    )


def cut(connection: Connection) -> None:
    connection.read_request()


def defective_headers(connection: Connection) -> None:
    """urllib3 warns about these and shows the whole URL."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nnot a header\r\nContent-Length: 2\r\n\r\n{}")


def redirect_to_token(connection: Connection) -> None:
    while connection.read_request():
        connection.reply(302, Location=f"/{CARD_TOKEN}")


class Memory(Transport):
    """Keeps what would be sent to Sentry."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)

    def text(self) -> str:
        return "\n".join(envelope.serialize().decode() for envelope in self.envelopes)

    def events(self, kind: str) -> list[dict[str, Any]]:
        items = [item for envelope in self.envelopes for item in envelope.items if item.type == kind]
        return [item.payload.json for item in items]


@pytest.fixture(params=["quiet site", "site that sends all it can"])
def sentry(request: pytest.FixtureRequest) -> Iterator[Memory]:
    memory = Memory()
    everything: dict[str, Any] = {"send_default_pii": True, "max_request_body_size": "always"}
    if "enable_logs" in DEFAULT_OPTIONS:  # since 2.35
        everything["enable_logs"] = True
    before = sentry_sdk.get_client()
    with sentry_sdk.isolation_scope() as request_scope, sentry_sdk.new_scope() as scope, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # send_default_pii, as most sites have it
        request_scope.clear_breadcrumbs()
        scope.clear_breadcrumbs()
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:1/1",
            transport=memory,
            traces_sample_rate=1.0,
            integrations=[LoggingIntegration(level=logging.DEBUG)],
            **(everything if request.param != "quiet site" else {}),
        )
        yield memory
    sentry_sdk.get_global_scope().set_client(before)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Returns everything that any logger in the process passes to the root logger, including DEBUG."""
    with caplog.at_level(logging.DEBUG):
        yield lambda: "\n".join(f"{record.name} {record.getMessage()} {vars(record)}" for record in caplog.records)


@pytest.mark.parametrize(
    "behave", [well, answering(500, CARD_TOKEN.encode()), answering(404), cut, defective_headers, redirect_to_token]
)
class TestOurCalls:
    def test_no_log_shows_a_secret(self, serve: Serve, connect: Connect, logged, behave) -> None:
        try_to_call(connect(serve(behave).url))
        assert ROUTE in logged()
        assert CARD_TOKEN not in logged()
        assert ACCESS_TOKEN not in logged()

    def test_nothing_that_sentry_is_sent_shows_a_secret(
        self, serve: Serve, connect: Connect, sentry: Memory, logged, behave
    ) -> None:
        http = connect(serve(behave).url)
        with sentry_sdk.start_transaction(op="http.server", name="/enrollment/"):
            try:
                call(http)
            except ProcessorError as error:
                sentry_sdk.capture_exception(error)
        sentry_sdk.capture_message("and what the breadcrumbs hold by now")
        sentry_sdk.flush()
        assert ROUTE in sentry.text()
        assert CARD_TOKEN not in sentry.text()
        assert ACCESS_TOKEN not in sentry.text()


def try_to_call(http: ProcessorHttp) -> None:
    try:
        call(http)
    except ProcessorError:
        return


def spans(sentry: Memory) -> list[dict[str, Any]]:
    (transaction,) = sentry.events("transaction")
    return transaction["spans"]


def status_of(span: dict[str, Any]) -> str:
    return span.get("status") or span["tags"]["status"]  # older SDKs have it only as a tag


class TestSpan:
    def test_a_call_is_one_span_with_its_templated_route_and_status(
        self, serve: Serve, connect: Connect, sentry: Memory
    ) -> None:
        http = connect(serve().url)
        with sentry_sdk.start_transaction(name="/enrollment/"):
            call(http)
        (span,) = spans(sentry)
        assert (span["op"], span["description"], status_of(span)) == ("http.client", ROUTE, "ok")
        assert span["data"]["http.response.status_code"] == 200

    def test_it_holds_nothing_else(self, serve: Serve, connect: Connect, sentry: Memory) -> None:
        http = connect(serve().url)
        with sentry_sdk.start_transaction(name="/enrollment/"):
            call(http)
        (span,) = spans(sentry)
        assert {key for key in span["data"] if not key.startswith("thread.")} == {"http.response.status_code"}
        assert set(span.get("tags", {})) <= {"http.status_code", "status"}

    def test_each_try_is_a_span(self, serve: Serve, connect: Connect, sentry: Memory) -> None:
        http = connect(serve(answering(503)).url, attempts=2)
        with sentry_sdk.start_transaction(name="/enrollment/"):
            try_to_call(http)
        assert [span["data"]["http.response.status_code"] for span in spans(sentry)] == [503, 503]

    def test_a_call_without_an_answer_is_one_without_a_status_code(self, connect: Connect, sentry: Memory) -> None:
        with refusing_port() as port, sentry_sdk.start_transaction(name="/enrollment/"):
            try_to_call(connect(f"http://127.0.0.1:{port}", attempts=1))
        (span,) = spans(sentry)
        assert status_of(span) == "unavailable"
        assert "http.response.status_code" not in span["data"]

    def test_the_processor_is_told_nothing_of_the_sites_traces(
        self, serve: Serve, connect: Connect, sentry: Memory
    ) -> None:
        server = serve()
        with sentry_sdk.start_transaction(name="/enrollment/"):
            call(connect(server.url))
        assert {"sentry-trace", "baggage", "traceparent"}.isdisjoint(server.requests[0].headers)

    def test_a_site_that_does_not_trace_gets_none(self, serve: Serve, connect: Connect, sentry: Memory) -> None:
        call(connect(serve().url))
        assert sentry.events("transaction") == []


class TestTheSitesOwn:
    @pytest.fixture
    def elsewhere(self, serve: Serve) -> Upstream:
        return serve()

    def test_logs_are_as_before(self, serve: Serve, connect: Connect, elsewhere: Upstream, logged) -> None:
        call(connect(serve().url))
        requests.get(f"{elsewhere.url}/of-the-site", timeout=5)
        assert "urllib3.connectionpool" in logged()
        assert "/of-the-site" in logged()

    def test_breadcrumbs_and_spans_are_as_before(
        self, serve: Serve, connect: Connect, elsewhere: Upstream, sentry: Memory
    ) -> None:
        http = connect(serve().url)
        with sentry_sdk.start_transaction(name="/enrollment/"):
            requests.get(f"{elsewhere.url}/before", timeout=5)
            call(http)
            requests.get(f"{elsewhere.url}/after", timeout=5)
            sentry_sdk.capture_message("look at the breadcrumbs")
        (event,) = sentry.events("event")
        crumbs = [crumb["data"]["url"] for crumb in event["breadcrumbs"]["values"] if "url" in crumb.get("data", {})]
        assert crumbs == [f"{elsewhere.url}/before", f"{elsewhere.url}/after"]
        assert len([span for span in spans(sentry) if elsewhere.url in span["description"]]) == 2

    def test_a_log_of_the_site_in_another_thread_meanwhile_is_as_before(
        self, serve: Serve, connect: Connect, elsewhere: Upstream, logged
    ) -> None:
        from threading import Thread

        def while_we_wait(connection: Connection) -> None:
            connection.read_request()
            thread = Thread(target=requests.get, args=(f"{elsewhere.url}/meanwhile",), kwargs={"timeout": 5})
            thread.start()
            thread.join(5)
            connection.reply()

        call(connect(serve(while_we_wait).url))
        assert "/meanwhile" in logged()

    def test_an_event_of_the_site_after_our_call_reaches_the_sites_sentry(
        self, serve: Serve, connect: Connect, sentry: Memory
    ) -> None:
        call(connect(serve().url))
        sentry_sdk.capture_message("hello")
        assert [event["message"] for event in sentry.events("event")] == ["hello"]


def test_every_logger_of_urllib3_is_silenced() -> None:
    assert urllib3.connectionpool.log.name == "urllib3.connectionpool"
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("urllib3", "requests")]
    assert {"urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"} <= set(names)
    for name in names:
        assert [type(entry).__name__ for entry in logging.getLogger(name).filters] == ["_NotOurCalls"], name


def test_over_tls_it_is_the_same(
    serve: Serve, connect: Connect, certificate: Certificate, sentry: Memory, logged
) -> None:
    server = serve(tls=certificate.server_context())
    with sentry_sdk.start_transaction(name="/enrollment/"):
        call(connect(server.url, tls_context=certificate.client_context()))
    assert len(spans(sentry)) == 1
    assert CARD_TOKEN not in sentry.text() + logged()
