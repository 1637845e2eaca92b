"""What stands behind the two processors in the conformance tests."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import unquote

import requests
import responses

from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.sandbox.api import ENDPOINTS
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.secret import Secret
from enrollment_errors.testing.fake import FakeProcessor

from .switchio import SwitchioProcessor


class LittlepayBackend:
    processor = LittlepayProcessor
    group_id = "group-seniors"

    def __init__(self, fake: FakeProcessor) -> None:
        self._fake = fake
        self.options = {
            "BASE_URL": "https://processor.test",
            "CLIENT_ID": fake.state.client_id,
            "CLIENT_SECRET": fake.state.client_secret,
            "AUDIENCE": fake.state.audience,
            "CARD_FORM_URL": "https://verify.processor.test",
        }
        self.secrets = [fake.state.client_secret]

    def add_card(self) -> Secret:
        self.secrets.append(secrets.token_hex(8))
        self._fake.state.add_card(self.secrets[-1])
        return Secret(self.secrets[-1])

    def _links(self):
        return self._fake.state.groups[self.group_id].links

    def put_link(self, card_token: Secret, expires_at: datetime | None) -> None:
        self._fake.state.link(self._fake.state.card(card_token.reveal()).id, self.group_id, expires_at)

    def expiry_of(self, card_token: Secret) -> datetime | None:
        return self._links()[self._fake.state.card(card_token.reveal()).id].expiry

    def answer(self, status: int, body: str) -> None:
        for endpoint in ENDPOINTS:
            if endpoint.name != "authorization":
                self._fake.faults.set(endpoint.name, Fault(kind="status", status=status, body=body))

    def go_down(self) -> None:
        self._fake.is_down()

    def count_calls(self) -> int:
        return sum(self._fake.calls.values()) - self._fake.calls["authorization"]


class SwitchioBackend:
    """A fake of its own, written against the documentation: it checks signatures, and overwrites."""

    processor = SwitchioProcessor
    group_id = "seniors"

    def __init__(self) -> None:
        self.options = {
            "TOKENIZATION_URL": "https://tokenization.switchio.test",
            "ENROLLMENT_URL": "https://enrollment.switchio.test",
            "PTO_ID": 42,
            "API_KEY": "switchio-key",
            "API_SECRET": "switchio-secret",
            "AUTHORIZATION": "switchio-authorization",
        }
        self.secrets = [self.options[name] for name in ("API_KEY", "API_SECRET", "AUTHORIZATION")]
        self.links: dict[str, dict[str, str | None]] = {}
        self.registration = "created"
        self._calls = 0
        self._forced: tuple[int, str] | None = None
        self._down = False

    def add_card(self) -> Secret:
        self.secrets.append(secrets.token_hex(8))
        self.links[self.secrets[-1]] = {}
        return Secret(self.secrets[-1])

    def put_link(self, card_token: Secret, expires_at: datetime | None) -> None:
        self.links[card_token.reveal()][self.group_id] = expires_at and expires_at.isoformat()

    def expiry_of(self, card_token: Secret) -> datetime | None:
        expiry = self.links[card_token.reveal()][self.group_id]
        return None if expiry is None else datetime.fromisoformat(expiry)

    def answer(self, status: int, body: str) -> None:
        self._forced = (status, body)

    def go_down(self) -> None:
        self._down = True

    def count_calls(self) -> int:
        return self._calls

    def reply(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if self._down:
            raise requests.ConnectionError("refused")
        self._calls += 1
        if self._forced:
            return (self._forced[0], {}, self._forced[1])
        path = request.path_url
        assert path.startswith("/api/v1/") == (request.url or "").startswith(self.options["TOKENIZATION_URL"])
        body = (request.body or b"").decode()
        if path.startswith("/api/v1/"):
            return self._registration(request, path, body)
        assert request.headers["Authorization"] == self.options["AUTHORIZATION"]
        _, _, _, _, pto, _, token, *action = path.split("/")
        assert pto == str(self.options["PTO_ID"])
        groups = self.links[unquote(token)]
        if action == ["add"]:
            asked = json.loads(body)
            groups[asked["group"]] = asked.get("expiresAt")
            return (200, {}, "")
        return (200, {}, json.dumps([{"group": group, "expiresAt": expiry} for group, expiry in groups.items()]))

    def _registration(self, request, path, body):
        signed = f"{request.headers['STP-TIMESTAMP']}{request.method}{path}{body}".encode()
        signature = hmac.new(self.options["API_SECRET"].encode(), signed, hashlib.sha256).hexdigest()
        assert request.headers["STP-SIGNATURE"] == signature
        if request.method == "POST":
            self.registration = "created"
            return (200, {}, json.dumps({"regId": "registration-1", "gtwUrl": "https://gateway.test/1"}))
        tokens = [
            {"token": "old", "tokenState": "active", "validFrom": "2026-01-01"},
            {"token": "newest", "tokenState": "inactive", "validFrom": "2026-03-01"},
            {"token": "new", "tokenState": "active", "validFrom": "2026-02-01"},
        ]
        return (200, {}, json.dumps({"regState": self.registration, "tokens": tokens}))


@contextmanager
def littlepay() -> Iterator[LittlepayBackend]:
    with FakeProcessor(["https://processor.test"]) as fake:
        yield LittlepayBackend(fake)


@contextmanager
def switchio() -> Iterator[SwitchioBackend]:
    backend = SwitchioBackend()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile(r"https://\w+\.switchio\.test/.*"), backend.reply)
        yield backend
