"""A rider, a processor that fails on demand, and everything that operators would see, all over real HTTP."""

from __future__ import annotations

import copy
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sentry_sdk
from django.conf import settings as django_settings
from django.test import Client

from enrollment_errors.reporting.amplitude_sender import AmplitudeSender
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink
from tests.waiting import PATIENCE, wait_until

CARD_TOKEN = "card-token-7f3a91"
REFERENCE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}-[2-9A-Z]{3}\b")


@dataclass
class End:
    """Where the rider ended up: the page's name, its HTTP status, and the reference on it."""

    page: str
    status: int
    text: str = field(repr=False)
    url: str = ""

    @property
    def reference(self) -> str:
        found = REFERENCE.search(self.text)
        assert found, "no reference on the page"
        return found[0]


class Rider:
    """A browser without the page's script: it sends what the script would send, with Django's test client."""

    def __init__(self, *, base: str = "/enrollment/", language: str = "en", **client: Any) -> None:
        self.client = Client(headers={"accept-language": language, "user-agent": "tests"}, **client)
        self.base = base
        self.page = ""

    def becomes_eligible(self, **eligible: Any) -> Rider:
        session = self.client.session
        session["eligible"] = eligible
        session.save()
        self.client.cookies[django_settings.SESSION_COOKIE_NAME] = session.session_key
        return self

    def opens_the_page(self) -> End:
        """Opens the enroll page. Later requests carry its ``made_for``, which says what the page was made for."""
        end = self.goes_to(self.base)
        if 'name="made_for"' in end.text:
            self.page = end.text
        return end

    def goes_back_to(self, page: str) -> Rider:
        """Goes back to an earlier enroll page that the browser kept."""
        self.page = page
        return self

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden inputs of the page's form."""
        return dict(re.findall(r'<input type="hidden" name="(made_for|returned)"(?: value="([^"]*)")?', self.page))

    def asks_for_token(self) -> Any:
        self.opens_the_page()
        return self.posts_as_the_script(f"{self.base}token/", {})

    def posts_as_the_script(self, url: str, body: dict[str, Any]) -> Any:
        body = {"made_for": self.hidden.get("made_for", ""), **body}
        return self.client.post(url, body, content_type="application/json")

    def enrolls(self, card_token: str = CARD_TOKEN) -> End:
        self.opens_the_page()
        return self.sends_the_form(card_token)

    def sends_the_form(self, card_token: str = CARD_TOKEN) -> End:
        return self.follows(self.client.post(self.base, {**self.hidden, "card_token": card_token}))

    def goes_to(self, url: str) -> End:
        return self.follows(self.client.get(url))

    def checks_again(self, end: End) -> End:
        return self.follows(self.client.post(end.url))

    def tells(self, event: str, status: int | None = None) -> Any:
        self.opens_the_page()
        return self.posts_as_the_script(f"{self.base}card-form/", {"event": event, "status": status})

    def walks(self, card_token: str = CARD_TOKEN) -> End:
        """Gets a token and enrolls, as the page's script does. If the token fails, goes to the page for that."""
        response = self.asks_for_token()
        if response.status_code != 200:
            return self.goes_to(response.json()["redirect"])
        return self.enrolls(card_token)

    def follows(self, response: Any) -> End:
        url = _address(response)
        for _ in range(3):
            if response.status_code not in (302, 303):
                break
            url = response["Location"]
            response = self.client.get(url)
        return End(
            response.context["enrollment"]["page"] if response.context else "",
            response.status_code,
            response.content.decode(),
            url,
        )


def _address(response: Any) -> str:
    query = response.request.get("QUERY_STRING")
    return response.request["PATH_INFO"] + (f"?{query}" if query else "")


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        server.state.add_card(CARD_TOKEN)
        yield server


def patience_with(fault: Fault) -> dict[str, float]:
    """Settings that do not wait long for an answer that never comes."""
    is_slow = fault.kind in ("hang", "trickle")
    return {"BUDGET": 2, "CONNECT_TIMEOUT": 0.5, "READ_TIMEOUT": 0.4} if is_slow else {}


def settings_at(sandbox: SandboxServer) -> dict[str, Any]:
    """Settings of the test site that differ where the sandbox is its processor."""
    processors = copy.deepcopy(django_settings.ENROLLMENT_ERRORS["ACCOUNTS"])
    processors["littlepay"]["OPTIONS"].update(sandbox.account()["OPTIONS"])
    return {
        "ACCOUNTS": processors,
        "BUDGET": 20,
        "CONNECT_TIMEOUT": 5,
        "READ_TIMEOUT": 9,
        "ATTEMPTS": 2,
        "BREAKER_FAILURES": 50,
    }


@pytest.fixture
def site(settings: Any, sandbox: SandboxServer) -> Any:
    """The test site, set up with the sandbox. Returns a function that changes its settings.

    Its timeouts suit a busy machine. A test with a processor that is too slow needs ``patience_with``."""

    def change(**keys: Any) -> None:
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, **keys}

    change(**settings_at(sandbox))
    return change


@pytest.fixture
def rider(site: Any) -> Rider:
    return Rider().becomes_eligible()


class Telemetry:
    """What the operators' services received, and what the log got."""

    def __init__(self, sink: TelemetrySink, log: pytest.LogCaptureFixture) -> None:
        self.sink = sink
        self._log = log

    def settle(self, *, amplitude: int) -> None:
        """Waits until everything is sent."""
        sentry_sdk.flush(timeout=5)
        self.sink.wait_for(amplitude=amplitude, timeout=PATIENCE)

    @property
    def sentry(self) -> list[dict[str, Any]]:
        return self.sink.sentry_events

    @property
    def amplitude(self) -> list[dict[str, Any]]:
        return self.sink.amplitude_events

    @property
    def records(self) -> list[logging.LogRecord]:
        """The log records of how enrollments ended, one each."""
        return [record for record in self._log.records if getattr(record, "outcome", None)]

    def everything(self) -> str:
        """Everything sent and logged, including DEBUG, as text."""
        logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in self._log.records)
        return logged + b"\n".join(self.sink.raw).decode()


@pytest.fixture
def telemetry(site: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("enrollment_errors.reporting.background.BATCH_SECONDS", 0.02)  # no test waits for more
    # Without a scope of its own, this request's scrubber would also scrub the requests of later tests.
    with sentry_sdk.isolation_scope(), TelemetrySink() as sink:
        site(AMPLITUDE_API_KEY="tests-key", AMPLITUDE_SERVER_URL=sink.amplitude_url)
        before = sentry_sdk.get_global_scope().client
        with warnings.catch_warnings():
            # Every option that makes an event say more than it should. The newest SDK warns about them.
            warnings.simplefilter("ignore", DeprecationWarning)
            sentry_sdk.init(sink.dsn, send_default_pii=True, max_request_body_size="always", traces_sample_rate=1.0)
        # A server's own integration would give each request a scope; here, one lasts for the test.
        with sentry_sdk.isolation_scope():
            yield Telemetry(sink, caplog)
        # The sender has to end before its server does, or it would keep retrying.
        wait_until(lambda: AmplitudeSender.thread_name not in [thread.name for thread in threading.enumerate()])
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(before)
