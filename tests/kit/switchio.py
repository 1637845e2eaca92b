"""A processor written from the documentation alone, as the example of "Adding a processor": a redirect flow, requests
that are signed, and an API that overwrites what is there instead of refusing it.

It tells the shape of the contract, and knows of Switchio what public client code shows: two servers, whose calls share
the rider's time. Mutual TLS would be a ``tls_context`` of each endpoint.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode

from enrollment_errors.exceptions import (
    CardFormCancelled,
    CardFormFailed,
    CardRefused,
    ReplyIncomplete,
    StatusError,
    TokenizationExpired,
    TokenizationRunning,
)
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.types import (
    Endpoint,
    FundingSource,
    Link,
    Option,
    OptionKind,
    Redirect,
    TokenizationRequest,
)
from enrollment_errors.secret import Secret

REGISTRATION_SECONDS = 15 * 60
OVER = ("tokenization_finished", "verification_failed", "tokenization_failed", "expired", "deleted")


class SwitchioProcessor(Processor):
    name = "switchio"
    link_conflict_wordings = "already in the group"

    account_options = (
        Option(name="TOKENIZATION_URL", kind=OptionKind.URL, help_text="The address of the tokenization API."),
        Option(name="ENROLLMENT_URL", kind=OptionKind.URL, help_text="The address of the enrollment API."),
        Option(name="PTO_ID", kind=OptionKind.NUMBER, help_text="The number of the transit agency."),
        Option(name="API_KEY", is_secret=True, help_text="The key of the tokenization API."),
        Option(name="API_SECRET", is_secret=True, help_text="It signs requests to the tokenization API."),
        Option(name="AUTHORIZATION", is_secret=True, help_text="The header of requests to the enrollment API."),
    )

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        return {
            "enrollment": Endpoint(base_url=options["ENROLLMENT_URL"]),
            "tokenization": Endpoint(base_url=options["TOKENIZATION_URL"], circuit="tokenization"),
        }

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Redirect:
        body = {"eshopRedirectUrl": return_url, "mode": "register", "eshopResponseMode": "query"}
        response = self.http_to["tokenization"].request(
            "POST",
            "api/v1/registration",
            json=body,
            headers=self._signed("POST", "/api/v1/registration", json.dumps(body)),
            idempotent=False,
        )
        reply = response.json_fields("regId", "gtwUrl", secret=("regId",))
        query = urlencode({"state": asked.state, "locale": asked.language.partition("-")[0]})
        return Redirect(
            url=f"{reply['gtwUrl']}?{query}",
            handle=reply["regId"],
            expires_at=self.http.clock.time() + REGISTRATION_SECONDS,
        )

    def is_still_good(self, redirect: Redirect) -> bool:
        return self._registration(redirect.handle)[0] not in OVER

    def redeem(self, handle: Secret, query: Mapping[str, Secret]) -> Secret:
        if "error" in query and query["error"].reveal() == "canceled":
            raise CardFormCancelled
        state, card_token = self._registration(handle)
        if state == "verification_failed":
            raise CardRefused(reason=state)
        if state == "tokenization_failed":
            raise CardFormFailed("the registration failed")
        if state in ("expired", "deleted"):
            raise TokenizationExpired
        if state != "tokenization_finished":
            raise TokenizationRunning
        if card_token is None:
            raise ReplyIncomplete("no active token")
        return card_token

    def _registration(self, handle: Secret) -> tuple[str, Secret | None]:
        """The state, and the newest active token. Apart, so that no plain token is a local where something raises."""
        response = self.http_to["tokenization"].request(
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
        response = self.http_to["enrollment"].request(
            "GET",
            "api/external/discount/{pto}/token/{token}",
            path={"pto": str(self.options["PTO_ID"]), "token": Secret(funding_source.id)},
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
        response = self.http_to["enrollment"].request(
            "POST",
            "api/external/discount/{pto}/token/{token}/add",
            path={"pto": str(self.options["PTO_ID"]), "token": Secret(funding_source.id)},
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
