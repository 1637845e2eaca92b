"""Littlepay's part of the sandbox: the back-office API, and a card form over the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..handler import Reply, Request
from ..service import UNKNOWN, Service
from . import api, card_form
from .state import DEFAULT_GROUPS, LittlepayState


class Littlepay(Service):
    """Endpoints: ``authorization``, ``tokenization``, ``lookup``, ``groups`` (of a card), ``link``, ``expiry``,
    ``unlink``, ``concession_groups``, ``group_members``, ``group_products``, ``product``, ``card_form_script``, and
    ``unknown``."""

    name = "littlepay"
    processor = "enrollment_errors.processors.littlepay.LittlepayProcessor"
    endpoints = (*(endpoint.name for endpoint in api.ENDPOINTS), "card_form_script", UNKNOWN)
    state: LittlepayState

    def __init__(self, groups: Mapping[str, str] = DEFAULT_GROUPS) -> None:
        super().__init__(LittlepayState(groups))

    def options(self, url: str) -> dict[str, Any]:
        return {
            "BASE_URL": url,
            "CLIENT_ID": self.state.client_id,
            "CLIENT_SECRET": self.state.client_secret,
            "AUDIENCE": self.state.audience,
            "CARD_FORM_URL": url,
        }

    def adopt(self, options: Mapping[str, Any]) -> None:
        state = self.state
        state.client_id = options.get("CLIENT_ID", state.client_id)
        state.client_secret = options.get("CLIENT_SECRET", state.client_secret)
        state.audience = options.get("AUDIENCE", state.audience)
        state.revoke()

    def endpoint_of(self, request: Request) -> str | None:
        if self.is_for_browsers(request):
            return None
        if (request.method, request.target) == ("GET", card_form.SCRIPT):
            return "card_form_script"
        return api.endpoint_of(self.state, request)

    def is_for_browsers(self, request: Request) -> bool:
        return request.segments[0] == "card-form"

    def reply_to(self, request: Request) -> Reply:
        if self.is_for_browsers(request):
            return card_form.reply_to(self.state, request)
        if (request.method, request.target) == ("GET", card_form.SCRIPT):
            return card_form.script()
        return api.reply_to(self.state, request)
