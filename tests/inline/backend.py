"""What stands behind the processor with inline fields: an API in memory, whose accounts are found by any token of a
card, and the gateway's script in the browser."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import responses

from enrollment_errors.secret import Secret

from .processor import InlineProcessor

GATEWAY_SCRIPT = Path(__file__).parent / "gateway.js"


class InlineBackend:
    """A card token is the card's last digits, a dash, and anything."""

    processor = InlineProcessor
    group_id = "SENIOR"
    options: dict[str, Any] = {
        "BASE_URL": "https://inline.test",
        "API_KEY": "the-key-of-the-account",
        "PUBLIC_KEY": "a-public-key",
        "GATEWAY_URL": "https://gateway.test",
    }
    addresses = {"https://gateway.test/fields.js": ("text/javascript", GATEWAY_SCRIPT.read_text())}
    ends = ("tokenized", "failed", "invalid")

    def __init__(self) -> None:
        self.secrets = [self.options["API_KEY"]]
        self.holders: dict[str, str | None] = {}
        self._calls = 0
        self._forced: tuple[int, dict[str, str], str] | Exception | None = None

    def add_card(self) -> Secret:
        digits = f"{1000 + len(self.secrets)}"
        self.secrets.append(f"{digits}-{secrets.token_hex(8)}")
        return Secret(self.secrets[-1])

    def put_link(self, card_token: Secret, expires_at: datetime | None) -> None:
        self.holders[_account(card_token.reveal())] = expires_at and expires_at.isoformat()

    def expiry_of(self, card_token: Secret) -> datetime | None:
        expiry = self.holders[_account(card_token.reveal())]
        return None if expiry is None else datetime.fromisoformat(expiry)

    def answer(self, status: int, body: str) -> None:
        self._forced = (status, {}, body)

    def go_down(self) -> None:
        self._forced = requests.ConnectionError("refused")

    def count_calls(self) -> int:
        return self._calls

    def reply(self, request: requests.PreparedRequest) -> Any:
        self._calls += 1
        if self._forced is not None:
            return self._forced
        assert request.headers["X-Api-Key"] == self.options["API_KEY"]
        address = urlsplit(request.url or "")
        query = {str(name): str(values[0]) for name, values in parse_qs(str(address.query)).items()}
        status, found = self._work(request, str(address.path), query)
        return (status, {}, json.dumps(found))

    def _work(self, request: requests.PreparedRequest, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path == "/api/TransitAccounts":
            token = query["BankingServiceToken"]
            return 200, [] if token.startswith("0") else [{"id": _account(token), "card": token.partition("-")[0]}]
        if request.method == "GET":
            account = query["TransitAccountId"]
            known = account in self.holders
            return 200, [{"fareCategory": self.group_id, "validTo": self.holders[account]}] if known else []
        sent = json.loads(request.body or "{}")
        if request.method == "POST" and sent["transitAccountId"] in self.holders:
            return 409, {"message": "The account already has a cardholder."}
        self.holders[sent["transitAccountId"]] = sent["validTo"]
        return 200, {}

    def finish(self, page: Any, end: str) -> None:
        """What a rider does at the card form for it to end so."""
        number = {"tokenized": "4111111111110119", "failed": "4000000000000000", "invalid": "4111"}[end]
        for name, text in (("number", number), ("expiry", "12/30"), ("code", "123")):
            page.frame_locator(f"#enrollment-{name} iframe").locator("input").fill(text)
        page.click("#enrollment-open")


def _account(card_token: str) -> str:
    return f"account-{card_token.partition('-')[0]}"


@contextmanager
def inline() -> Iterator[InlineBackend]:
    backend = InlineBackend()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT"):
            mock.add_callback(method, re.compile(r"https://inline\.test/.*"), backend.reply)
        yield backend
