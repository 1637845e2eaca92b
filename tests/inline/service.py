"""The sandbox's backend for the processor with inline fields: the gateway's script, and an API that finds a card's
account by any of the card's tokens.

A card token is the card's last digits, a dash, and anything else. The digits ``0000`` mean an unknown card.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from enrollment_errors.sandbox.handler import Reply, Request
from enrollment_errors.sandbox.routes import Endpoint, Places, find_endpoint
from enrollment_errors.sandbox.service import UNKNOWN, Service
from enrollment_errors.sandbox.state import Refused, State, written

GATEWAY_SCRIPT = Path(__file__).parent / "gateway.js"
GROUPS = {"SENIOR": "Older adults", "VETERAN": "Veterans"}


class InlineState(State):
    api_key = "sandbox-inline-key"
    public_key = "sandbox-public-key"

    def new_id(self, token: str) -> str:
        """All tokens of a card have the same account."""
        return f"account-{token.partition('-')[0]}"


def _accounts(state: InlineState, places: Places, request: Request) -> Reply:
    token = request.query.get("BankingServiceToken", "")
    if token.startswith("0000-"):
        return Reply.of([])
    account = state.new_id(token)
    if account not in state.funding_sources:
        state.add_card(token)
    return Reply.of([{"id": account, "card": token.partition("-")[0]}])


def _holders(state: InlineState, places: Places, request: Request) -> Reply:
    found = state.groups_of(request.query.get("TransitAccountId", ""))
    return Reply.of([{"fareCategory": group.id, "validTo": written(link.expiry)} for group, link in found])


def _tell(state: InlineState, places: Places, request: Request) -> Reply:
    holder = request.json()
    account, group = holder["transitAccountId"], holder["fareCategory"]
    if request.method == "POST" and account in state.group(group).links:
        raise Refused(409, "The account already has a cardholder.")
    state.link(account, group, None if holder["validTo"] is None else datetime.fromisoformat(holder["validTo"]))
    return Reply.of({}, 201)


ENDPOINTS = (
    Endpoint("lookup", "GET", "api/TransitAccounts", _accounts),
    Endpoint("groups", "GET", "api/Cardholders", _holders),
    Endpoint("link", "POST", "api/Cardholders", _tell),
    Endpoint("expiry", "PUT", "api/Cardholders", _tell),
)


class Inline(Service):
    name = "inline"
    processor = "tests.inline.processor.InlineProcessor"
    endpoints = (*(endpoint.name for endpoint in ENDPOINTS), "card_form_script", UNKNOWN)
    state: InlineState

    def __init__(self) -> None:
        super().__init__(InlineState(GROUPS))

    def options(self, url: str) -> dict[str, Any]:
        return {
            "BASE_URL": url,
            "API_KEY": self.state.api_key,
            "PUBLIC_KEY": self.state.public_key,
            "GATEWAY_URL": url,
        }

    def adopt(self, options: Mapping[str, Any]) -> None:
        self.state.api_key = options.get("API_KEY", self.state.api_key)

    def endpoint_of(self, request: Request) -> str | None:
        if request.segments == ("fields.js",):
            return "card_form_script"
        found = find_endpoint(ENDPOINTS, request)
        return found[0].name if found else UNKNOWN

    def is_for_browsers(self, request: Request) -> bool:
        return False

    def reply_to(self, request: Request) -> Reply:
        if request.segments == ("fields.js",):
            return Reply(200, GATEWAY_SCRIPT.read_bytes(), "text/javascript; charset=utf-8")
        try:
            with self.state.lock:
                return self._reply_to(request)
        except Refused as refused:
            return Reply.of({"message": refused.detail}, refused.status)

    def _reply_to(self, request: Request) -> Reply:
        found = find_endpoint(ENDPOINTS, request)
        if found is None:
            raise Refused(404, "Not found")
        if request.headers.get("X-Api-Key") != self.state.api_key:
            raise Refused(401, "Unauthorized")
        endpoint, places = found
        return endpoint.call(self.state, places, request)
