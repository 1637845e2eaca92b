"""The sandbox's processor with a card form on its own site, which riders are redirected to and come back from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Redirect, Tokenization
from enrollment_errors.secret import Secret


class GatewayProcessor(LittlepayProcessor):
    name = "gateway"

    @classmethod
    def card_form_script(cls, options: Mapping[str, Any], language: str) -> None:
        return None

    def request_tokenization(self, return_url: str) -> Tokenization:
        response = self.http.request("POST", "gateway/registrations", json={"return_url": return_url}, idempotent=False)
        reply = response.json_fields("id", "url", secret=("id",))
        return Redirect(url=reply["url"], handle=reply["id"], expires_at=time.time() + 600)

    def redeem(self, handle: Secret) -> Secret:
        response = self.http.request(
            "GET", "gateway/registrations/{registration}", path={"registration": handle}, idempotent=True
        )
        card_token = response.json_fields("card_token", secret=("card_token",))["card_token"]
        assert isinstance(card_token, Secret)
        return card_token
