"""A processor written from the documentation alone, as the example of "Adding a processor": a redirect flow, requests
that are signed, and an API that overwrites what is there instead of refusing it.

It tells the shape of the contract, and knows of Switchio what public client code shows. Mutual TLS would be one more
class method, ``tls_context``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from enrollment_errors.exceptions import CardRefused, ReplyIncomplete, StatusError
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.types import FundingSource, Link, Redirect
from enrollment_errors.secret import Secret

REQUIRED = ("BASE_URL", "PTO_ID", "API_KEY", "API_SECRET", "AUTHORIZATION")
REGISTRATION_SECONDS = 15 * 60


class SwitchioProcessor(Processor):
    name = "switchio"
    link_conflict_wordings = "already in the group"

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        return [f'"{key}" is missing.' for key in REQUIRED if not options.get(key)]

    def request_tokenization(self, return_url: str) -> Redirect:
        body = {"eshopRedirectUrl": return_url, "mode": "register", "eshopResponseMode": "query"}
        response = self.http.request(
            "POST",
            "api/v1/registration",
            json=body,
            headers=self._signed("POST", "/api/v1/registration", json.dumps(body)),
            idempotent=False,
        )
        reply = response.json_fields("regId", "gtwUrl", secret=("regId",))
        return Redirect(
            url=reply["gtwUrl"], handle=reply["regId"], expires_at=self.http.clock.time() + REGISTRATION_SECONDS
        )

    def redeem(self, handle: Secret) -> Secret:
        state, card_token = self._registration(handle)
        if state != "tokenization_finished":
            raise CardRefused("the registration did not end in a token")
        if card_token is None:
            raise ReplyIncomplete("no active token")
        return card_token

    def _registration(self, handle: Secret) -> tuple[str, Secret | None]:
        """The state, and the newest active token. Apart, so that no plain token is a local where something raises."""
        response = self.http.request(
            "GET",
            "api/v1/registration/{registration}",
            path={"registration": handle},
            headers=self._signed("GET", f"/api/v1/registration/{handle.reveal()}", ""),
            idempotent=True,
        )
        reply = response.json_fields("regState", optional=("tokens",))
        active = [token for token in reply["tokens"] or () if token.get("tokenState") == "active"]
        newest = max(active, key=lambda token: str(token.get("validFrom")), default=None)
        return reply["regState"], newest and Secret(newest["token"])

    def find_funding_source(self, card_token: Secret) -> FundingSource:
        return FundingSource(id=card_token.reveal())  # here a card's token is all that there is of it

    def link(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        # Adding would overwrite the expiry of a link that is there already.
        if self.find_link(funding_source, group_id) is not None:
            raise StatusError(409, Secret("already in the group"))
        self._add(funding_source, group_id, expires_at)

    def find_link(self, funding_source: FundingSource, group_id: str) -> Link | None:
        response = self.http.request(
            "GET",
            "api/external/discount/{pto}/token/{token}",
            path={"pto": self.options["PTO_ID"], "token": Secret(funding_source.id)},
            headers=self._authorization(),
            idempotent=True,
        )
        for item in response.json_items("group", optional=("expiresAt",)):
            if item["group"] == group_id:
                return Link(group_id=group_id, expires_at=_moment(item["expiresAt"]))
        return None

    def change_expiry(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        self._add(funding_source, group_id, expires_at)

    def _add(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        expiry = {} if expires_at is None else {"expiresAt": expires_at.astimezone(timezone.utc).isoformat()}
        response = self.http.request(
            "POST",
            "api/external/discount/{pto}/token/{token}/add",
            path={"pto": self.options["PTO_ID"], "token": Secret(funding_source.id)},
            json={"group": group_id, **expiry},
            headers=self._authorization(),
            idempotent=False,
        )
        if not response.is_empty:
            response.json_fields()

    def _authorization(self) -> dict[str, str | Secret]:
        return {"Authorization": Secret(self.options["AUTHORIZATION"])}

    def _signed(self, method: str, path: str, body: str) -> dict[str, str | Secret]:
        timestamp = str(int(self.http.clock.time()))
        signature = hmac.new(
            self.options["API_SECRET"].encode(), f"{timestamp}{method}{path}{body}".encode(), hashlib.sha256
        ).hexdigest()
        return {
            "STP-APIKEY": Secret(self.options["API_KEY"]),
            "STP-TIMESTAMP": timestamp,
            "STP-SIGNATURE": Secret(signature),
        }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
