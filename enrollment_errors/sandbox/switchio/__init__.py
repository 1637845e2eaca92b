"""Switchio's part of the sandbox: two APIs behind mutual TLS, and a gateway where riders enter their card."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..certificates import Authority, Certificate
from ..handler import Reply, Request
from ..service import UNKNOWN, Service
from . import api, gateway
from .state import DEFAULT_GROUPS, SwitchioState


class Switchio(Service):
    """Endpoints: ``tokenization`` and ``registration`` (a visit to the gateway), ``groups`` (of a card), ``link``,
    ``unlink``, ``concession_groups``, ``health``, ``gateway`` (the site that riders visit), and ``unknown``."""

    name = "switchio"
    processor = "enrollment_errors.processors.switchio.SwitchioProcessor"
    endpoints = (*(endpoint.name for endpoint in api.ENDPOINTS), "gateway", UNKNOWN)
    state: SwitchioState

    def __init__(self, groups: Mapping[str, str] = DEFAULT_GROUPS) -> None:
        super().__init__(SwitchioState(groups))

    @cached_property
    def authority(self) -> Authority:
        return Authority()

    @cached_property
    def client(self) -> Certificate:
        """The client certificate that the sandbox issues to a site."""
        return self.authority.issue("transit-benefit-site")

    def tls(self) -> ssl.SSLContext:
        return self.authority.server_context(self.authority.issue("127.0.0.1"), wants_clients=True)

    def options(self, url: str) -> dict[str, Any]:
        return {
            "TOKENIZATION_URL": url,
            "ENROLLMENT_URL": url,
            "PTO_ID": self.state.pto_id,
            "API_KEY": self.state.api_key,
            "API_SECRET": self.state.api_secret,
            "AUTHORIZATION": self.state.authorization,
            "CLIENT_CERTIFICATE": self.client.certificate,
            "PRIVATE_KEY": self.client.private_key,
            "CA_CERTIFICATE": self.authority.certificate,
        }

    def adopt(self, options: Mapping[str, Any]) -> None:
        state = self.state
        state.pto_id = options.get("PTO_ID", state.pto_id)
        state.api_key = options.get("API_KEY", state.api_key)
        state.api_secret = options.get("API_SECRET", state.api_secret)
        state.authorization = options.get("AUTHORIZATION", state.authorization)
        state.revoke()

    @property
    def redirect_hosts(self) -> list[str]:
        return [urlsplit(self.state.browser_url).netloc]

    def finish_visit(self, address: str, *, card: str = "", way: str = "") -> str:
        """Act as a rider at the gateway's ``address``: see ``gateway.finish``."""
        parts = urlsplit(address)
        registration = self.state.registration(parts.path.rpartition("/")[2])
        [back] = parse_qs(parts.query)["state"]
        return gateway.finish(self.state, registration, card=card, way=way, back=back)

    def endpoint_of(self, request: Request) -> str | None:
        return "gateway" if self.is_for_browsers(request) else api.endpoint_of(request)

    def is_for_browsers(self, request: Request) -> bool:
        return request.segments[0] == "gateway"

    def reply_to(self, request: Request) -> Reply:
        if self.is_for_browsers(request):
            return gateway.reply_to(self.state, request)
        return api.reply_to(self.state, request)
