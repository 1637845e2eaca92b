"""Whatever Sentry may collect, no envelope from our requests contains a secret or anything about the rider.

The real SDK with its Django integration, a request through the real WSGI handler, and a search of what was sent.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
import sentry_sdk
from asgiref.testing import ApplicationCommunicator
from django.conf import LazySettings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from sentry_sdk.integrations.django import DjangoIntegration

from enrollment_errors.redaction import scrub_event
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.sinks import TelemetrySink

EVERYTHING: dict[str, Any] = {
    "include_local_variables": True,
    "include_source_context": True,
    "max_request_body_size": "always",
    "traces_sample_rate": 1.0,
    "attach_stacktrace": True,
    "integrations": [DjangoIntegration(middleware_spans=True, signals_spans=True, cache_spans=True)],
}


@pytest.fixture
def leaks(settings: LazySettings) -> Iterator[dict[str, str]]:
    """What must not leave. It is random, so that no source line contains it."""
    with TelemetrySink() as processor:
        processor.faults.set("*", Fault(kind="status", status=500))
        settings.ROOT_URLCONF = "tests.reporting.leaky_site"
        settings.MIDDLEWARE = []
        settings.LEAKS = {
            "card_token": secrets.token_urlsafe(24),
            "api_token": secrets.token_urlsafe(24),
            "client_secret": secrets.token_urlsafe(24),
            "session": secrets.token_urlsafe(24),
            "query": secrets.token_urlsafe(24),
            "answer": secrets.token_urlsafe(24),
            "name": secrets.token_urlsafe(12),
            "address": "203.0.113.7",
        }
        yield dict(settings.LEAKS)
        settings.LEAKS = {}


@pytest.fixture
def processor(leaks: dict[str, str], settings: LazySettings) -> Iterator[TelemetrySink]:
    with TelemetrySink() as server:
        settings.LEAKS["processor_url"] = server.url
        yield server


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the site, served over HTTP by Django's WSGI handler."""

    def application(environ: Any, start_response: Any) -> Any:
        # A new handler for each request, because a handler reads the setting MIDDLEWARE only once.
        return WSGIHandler()(environ, start_response)

    with make_server("127.0.0.1", 0, application, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def post(url: str, leaks: dict[str, str], *, content_type: str = "", **body: Any) -> int:
    """POSTs to the site as a rider's browser would. Returns the status."""
    response = requests.post(
        f"{url}?code={leaks['query']}",
        **(body or {"data": {"card_token": leaks["card_token"]}}),
        cookies={"sessionid": leaks["session"], "remember": leaks["session"]},
        headers={
            "X-Forwarded-For": leaks["address"],
            "Referer": f"https://login.example/?code={leaks['query']}",
            **({"Content-Type": content_type} if content_type else {}),
        },
        timeout=5,
    )
    sentry_sdk.flush(timeout=5)
    return response.status_code


async def post_to_asgi(path: str, leaks: dict[str, str]) -> int:
    body = urlencode({"card_token": leaks["card_token"]}).encode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
        "cookie": f"sessionid={leaks['session']}",
        "x-forwarded-for": leaks["address"],
    }
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": f"code={leaks['query']}".encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (leaks["address"], 50_000),
        "server": ("site.test", 80),
        "asgi": {"version": "3.0"},
    }
    application = ApplicationCommunicator(ASGIHandler(), scope)
    await application.send_input({"type": "http.request", "body": body})
    start = await application.receive_output(5)
    await application.receive_output(5)
    await application.wait(5)
    return int(start["status"])


def found(sentry: TelemetrySink, leaks: dict[str, str]) -> set[str]:
    """The names of everything that did leave, whether whole or only its beginning, in any spelling."""
    everything = b"\n".join(sentry.raw).decode()
    return {
        name
        for name, value in leaks.items()
        for spelling in (value[:12], quote(value, safe="")[:12], json.dumps(value)[1:12])
        if spelling in everything
    }


PERSONAL_DATA: list[dict[str, Any]] = [{"send_default_pii": True}, {"send_default_pii": False}]
if "data_collection" in sentry_sdk.consts.DEFAULT_OPTIONS:
    # Newer SDKs: this collects everything and turns off the SDK's own scrubber.
    PERSONAL_DATA.append({"data_collection": {}})

pytestmark = [
    pytest.mark.filterwarnings("ignore:The send_default_pii option is deprecated"),
    pytest.mark.usefixtures("processor"),
]


@pytest.mark.parametrize("personal_data", PERSONAL_DATA, ids=str)
class TestNothingLeaves:
    @pytest.fixture
    def sentry(self, start_sentry: Callable[..., TelemetrySink], personal_data: dict[str, Any]) -> TelemetrySink:
        return start_sentry(**EVERYTHING, **personal_data)

    @pytest.mark.parametrize(
        ("path", "status"),
        [("/reported/", 503), ("/reported-and-raised/", 500), ("/raises/", 500), ("/logs/", 200), ("/annotates/", 200)],
    )
    def test_from_a_posted_form(
        self, sentry: TelemetrySink, site: str, leaks: dict[str, str], path: str, status: int
    ) -> None:
        assert post(site + path, leaks) == status

        assert len(sentry.sentry_events) == 1
        assert [item.type for item in sentry.sentry_items if item.type == "transaction"]
        assert found(sentry, leaks) == set()

    def test_from_posted_json(self, sentry: TelemetrySink, site: str, leaks: dict[str, str]) -> None:
        body = {"card_token": leaks["card_token"], "event": "tokenized"}

        assert post(f"{site}/json/", leaks, json=body) == 500

        assert len(sentry.sentry_events) == 1
        assert found(sentry, leaks) == set()

    def test_from_the_processors_answer_that_a_library_has_in_its_hands(
        self, sentry: TelemetrySink, site: str, processor: TelemetrySink, leaks: dict[str, str]
    ) -> None:
        processor.faults.set("*", Fault(kind="status", status=200, body=f'[{{"name": "{leaks["answer"]}"}}]'))

        assert post(f"{site}/no-json/", leaks) == 500

        assert sentry.sentry_events[0]["exception"]["values"][0]["type"] == "JSONDecodeError"
        assert found(sentry, leaks) == set()

    def test_after_the_sites_middleware_has_left_the_views_scope(
        self, sentry: TelemetrySink, site: str, leaks: dict[str, str], settings: LazySettings
    ) -> None:
        settings.MIDDLEWARE = ["tests.reporting.leaky_site.opens_a_scope"]

        assert post(f"{site}/quiet/", leaks) == 200

        assert [event["message"] for event in sentry.sentry_events] == ["answered"]
        assert found(sentry, leaks) == set()

    def test_and_what_an_operator_needs_stays(self, sentry: TelemetrySink, site: str, leaks: dict[str, str]) -> None:
        post(f"{site}/reported/", leaks)

        (event,) = sentry.sentry_events
        assert event["request"]["url"].endswith("/reported/")
        assert event["request"]["method"] == "POST"
        assert {"Host", "User-Agent"} <= set(event["request"]["headers"])
        assert not {"Referer", "Cookie", "X-Forwarded-For"} & set(event["request"]["headers"])
        assert event["tags"]["enrollment.reference"] == "H7P-2QX-9MR"
        frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
        assert frames[-1]["function"] == "call_processor"
        assert "raise ConnectionFailed" in frames[-1]["context_line"]

    def test_while_the_same_search_finds_what_an_unscrubbed_view_lets_go(
        self, sentry: TelemetrySink, site: str, leaks: dict[str, str]
    ) -> None:
        post(f"{site}/unscrubbed/", leaks)

        assert "card_token" in found(sentry, leaks)


class TestAFormThatCannotBeRead:
    def test_is_no_way_around(
        self, start_sentry: Callable[..., TelemetrySink], site: str, leaks: dict[str, str]
    ) -> None:
        sentry = start_sentry(**{**EVERYTHING, "max_request_body_size": "never"}, send_default_pii=True)
        body = f'--x\r\nContent-Disposition: form-data; name="card_token"\r\n\r\n{leaks["card_token"]}'

        assert post(f"{site}/blind/", leaks, data=body, content_type="multipart/form-data; boundary=") == 500

        assert len(sentry.sentry_events) == 1
        assert found(sentry, leaks) == set()


class TestUnderAsgi:
    @pytest.mark.parametrize(("path", "status"), [("/reported/", 503), ("/raises/", 500), ("/annotates/", 200)])
    def test_nothing_leaves_either(
        self, start_sentry: Callable[..., TelemetrySink], leaks: dict[str, str], path: str, status: int
    ) -> None:
        sentry = start_sentry(**EVERYTHING, send_default_pii=True)

        assert asyncio.run(post_to_asgi(path, leaks)) == status

        sentry_sdk.flush(timeout=5)
        assert len(sentry.sentry_events) == 1
        assert found(sentry, leaks) == set()


class TestTheSitesOwnBeforeSend:
    def test_can_be_ours_and_takes_secrets_out_of_every_event(
        self, start_sentry: Callable[..., TelemetrySink], site: str, leaks: dict[str, str]
    ) -> None:
        sentry = start_sentry(
            **EVERYTHING, send_default_pii=True, before_send=scrub_event, before_send_transaction=scrub_event
        )

        post(f"{site}/unscrubbed/", leaks)

        assert not {"card_token", "session"} & found(sentry, leaks)
