"""The sandbox's processor with a card form on its own site: the app redirects riders there, and they come back."""

from __future__ import annotations

import time
from collections.abc import Mapping

from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Redirect, Tokenization, TokenizationRequest
from enrollment_errors.secret import Secret


class GatewayProcessor(LittlepayProcessor):
    name = "gateway"

    card_form = Processor.card_form

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Tokenization:
        response = self.http.request("POST", "gateway/registrations", json={"return_url": return_url}, idempotent=False)
        reply = response.json_fields("id", "url", secret=("id",))
        return Redirect(url=reply["url"], handle=reply["id"], expires_at=time.time() + 600)

    def redeem(self, handle: Secret, query: Mapping[str, Secret]) -> Secret:
        response = self.http.request(
            "GET", "gateway/registrations/{registration}", path={"registration": handle}, idempotent=True
        )
        card_token = response.json_fields("card_token", secret=("card_token",))["card_token"]
        assert isinstance(card_token, Secret)
        return card_token
