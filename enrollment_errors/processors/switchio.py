"""Switchio: a thin client of its two APIs, and the processor on top of it.

Riders enter their card on Switchio's own site (the gateway) and come back. The tokenization API registers that visit
and requires a signature on every request. The enrollment API keeps a card's groups and overwrites them silently. Both
require a client certificate.

The protocol is taken from public client code. The rest of the service's behavior is unknown, so the client ignores
unknown keys and raises a clear error if a required key is missing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ..codes import gettext_noop
from ..exceptions import (
    CardFormCancelled,
    CardFormFailed,
    CardRefused,
    ReplyIncomplete,
    ReplyNotJson,
    TokenizationExpired,
    TokenizationRunning,
)
from ..secret import Secret
from .base import Processor
from .expiry import format_expiry, parse_expiry
from .mutual_tls import mutual_tls_context, pem_problems
from .types import Endpoint, FundingSource, Link, Option, OptionKind, Redirect, TokenizationRequest

if TYPE_CHECKING:
    from ..transport import ProcessorHttp, Response

_LONGEST_VISIT = 3600.0
"""Seconds to keep a visit to the gateway. Switchio does not say how long it lasts, but is asked before a rider is sent
there again."""
_GATEWAY_LANGUAGES = ("en", "es")
_OVER = ("tokenization_finished", "verification_failed", "tokenization_failed", "expired", "deleted")


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A rider's visit to the gateway. ``card_token`` is the newest active one; ``masked_number`` is the card's number,
    masked."""

    state: str
    card_token: Secret | None
    masked_number: Secret | None


class SwitchioClient:
    """The two APIs, one method per request. Raises ``ProcessorError``."""

    def __init__(self, options: Mapping[str, Any], http_to: Mapping[str, ProcessorHttp]) -> None:
        self._enrollment = http_to["enrollment"]
        self._tokenization = http_to["tokenization"]
        self._api_key = Secret(options["API_KEY"])
        self._api_secret = Secret(options["API_SECRET"])
        self._authorization = Secret(options["AUTHORIZATION"])
        self._transit_agency = str(options["PTO_ID"])

    def register(self, return_url: str) -> dict[str, Any]:
        """``{regId, gtwUrl}``; ``regId`` is a ``Secret``."""
        body = {"eshopRedirectUrl": return_url, "mode": "register", "eshopResponseMode": "query"}
        # Asking twice is harmless: an unused visit expires.
        response = self._tokenization.request(
            "POST",
            "api/v1/registration",
            json=body,
            headers=self._signed("POST", "api/v1/registration", json.dumps(body)),
            idempotent=True,
        )
        return response.json_fields("regId", "gtwUrl", secret=("regId",))

    def get_registration(self, registration_id: Secret) -> Registration:
        response = self._tokenization.request(
            "GET",
            "api/v1/registration/{registration}",
            path={"registration": registration_id},
            headers=self._signed("GET", f"api/v1/registration/{quote(registration_id.reveal(), safe='')}", ""),
            idempotent=True,
        )
        reply = response.json_fields("regState", optional=("maskCln",))
        masked_number = reply["maskCln"]
        return Registration(
            state=str(reply["regState"]),
            card_token=_newest_active_token(response),
            masked_number=Secret(masked_number) if isinstance(masked_number, str) else None,
        )

    def get_groups(self) -> list[dict[str, Any]]:
        """All groups of the transit agency: ``{code, name}``."""
        return self._ask("groups").json_items("code", optional=("name",))

    def get_groups_of_card(self, card_token: Secret) -> list[dict[str, Any]]:
        """``{group, expiresAt}``; the expiry is ``None`` if the card stays in the group."""
        return self._ask("token/{token}", token=card_token).json_items("group", optional=("expiresAt",))

    def add(self, card_token: Secret, group: str, expires_at: str | None) -> None:
        """Put the card into the group until ``expires_at``, or forever. Overwrites an earlier expiry."""
        body = {"group": group} if expires_at is None else {"group": group, "expiresAt": expires_at}
        self._tell("token/{token}/add", card_token, body)

    def remove(self, card_token: Secret, group: str) -> None:
        self._tell("token/{token}/remove", card_token, {"group": group}, idempotent=True)

    def echo(self) -> None:
        """Raises if the enrollment API does not answer, or does not accept the ``Authorization`` header."""
        self._enrollment.request(
            "GET", "api/external/discount/echo", headers={"Authorization": self._authorization}, idempotent=True
        )

    def _ask(self, route: str, **path: Secret) -> Response:
        return self._enrollment.request(
            "GET",
            "api/external/discount/{pto}/" + route,
            path={"pto": self._transit_agency, **path},
            headers={"Authorization": self._authorization},
            idempotent=True,
        )

    def _tell(self, route: str, card_token: Secret, body: Mapping[str, str], *, idempotent: bool = False) -> None:
        response = self._enrollment.request(
            "POST",
            "api/external/discount/{pto}/" + route,
            path={"pto": self._transit_agency, "token": card_token},
            json=body,
            headers={"Authorization": self._authorization},
            idempotent=idempotent,
        )
        # It answers in a few words. A gateway's page says nothing about what the service did.
        if b"<" in response.content:
            raise ReplyNotJson("a web page instead of an acknowledgment")

    def _signed(self, method: str, route: str, body: str) -> dict[str, str | Secret]:
        """The headers of a request to the tokenization API, with a signature of the exact bytes sent."""
        path = f"{urlsplit(self._tokenization.base_url).path.rstrip('/')}/{route}"
        timestamp = str(int(self._tokenization.clock.time()))
        signature = hmac.new(
            self._api_secret.reveal().encode(), f"{timestamp}{method}{path}{body}".encode(), hashlib.sha256
        )
        return {
            "STP-APIKEY": self._api_key,
            "STP-TIMESTAMP": timestamp,
            "STP-SIGNATURE": Secret(signature.hexdigest()),
        }


def _newest_active_token(response: Response) -> Secret | None:
    """A separate function, so no plain token is a local variable in a frame that raises."""
    tokens = response.json_fields(optional=("tokens",))["tokens"]
    active = [
        token
        for token in (tokens if isinstance(tokens, list) else ())
        if isinstance(token, dict) and token.get("tokenState") == "active" and isinstance(token.get("token"), str)
    ]
    newest = max(active, key=lambda token: str(token.get("validFrom")), default=None)
    return None if newest is None else Secret(newest["token"])


class SwitchioProcessor(Processor):
    name = "switchio"
    overwrites_links = True

    account_options = (
        Option(
            name="TOKENIZATION_URL", kind=OptionKind.URL, help_text=gettext_noop("The address of the tokenization API.")
        ),
        Option(
            name="ENROLLMENT_URL", kind=OptionKind.URL, help_text=gettext_noop("The address of the enrollment API.")
        ),
        Option(
            name="PTO_ID",
            kind=OptionKind.NUMBER,
            help_text=gettext_noop("The number that Switchio gave the transit agency."),
        ),
        Option(name="API_KEY", is_secret=True, help_text=gettext_noop("The key of the tokenization API.")),
        Option(
            name="API_SECRET",
            is_secret=True,
            help_text=gettext_noop("The secret of API_KEY. It signs requests, and is never sent."),
        ),
        Option(
            name="AUTHORIZATION",
            is_secret=True,
            help_text=gettext_noop('The exact value that the enrollment API expects in the header "Authorization".'),
        ),
        Option(
            name="CLIENT_CERTIFICATE",
            kind=OptionKind.PEM,
            help_text=gettext_noop("The certificate that Switchio made for you. Both APIs require it."),
        ),
        Option(
            name="PRIVATE_KEY",
            kind=OptionKind.PEM,
            is_secret=True,
            help_text=gettext_noop("The private key of CLIENT_CERTIFICATE, without a password."),
        ),
        Option(
            name="CA_CERTIFICATE",
            kind=OptionKind.PEM,
            help_text=gettext_noop(
                "The certificate of the authority that signed the certificates of Switchio's servers."
            ),
        ),
    )

    def __init__(self, account: str, options: Mapping[str, Any], http_to: Mapping[str, ProcessorHttp]) -> None:
        super().__init__(account, options, http_to)
        self.client = SwitchioClient(options, http_to)
        self._masked_number: Secret | None = None
        """For the card of this request. Switchio returns it with the visit, not with the card."""

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        return super().check_options(options) or pem_problems(options["CLIENT_CERTIFICATE"], options["PRIVATE_KEY"])

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        tls = mutual_tls_context(options["CLIENT_CERTIFICATE"], options["PRIVATE_KEY"], options["CA_CERTIFICATE"])
        return {
            "enrollment": Endpoint(base_url=options["ENROLLMENT_URL"], tls_context=tls),
            "tokenization": Endpoint(base_url=options["TOKENIZATION_URL"], tls_context=tls, circuit="tokenization"),
        }

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Redirect:
        reply = self.client.register(return_url)
        language = asked.language.partition("-")[0]
        return Redirect(
            url=_with_query(
                reply["gtwUrl"],
                state=asked.state,
                locale=language if language in _GATEWAY_LANGUAGES else _GATEWAY_LANGUAGES[0],
            ),
            handle=reply["regId"],
            expires_at=self.http.clock.time() + _LONGEST_VISIT,
        )

    def is_still_good(self, redirect: Redirect) -> bool:
        return self.client.get_registration(redirect.handle).state not in _OVER

    def redeem(self, handle: Secret, query: Mapping[str, Secret]) -> Secret:
        error = query.get("error")
        if error == Secret("canceled"):
            raise CardFormCancelled
        registration = self.client.get_registration(handle)
        if registration.state == "verification_failed":
            raise CardRefused(reason=registration.state)
        if registration.state == "tokenization_failed":
            raise CardFormFailed("the registration failed")
        if registration.state in ("expired", "deleted"):
            raise TokenizationExpired
        if registration.state != "tokenization_finished":
            # The return URL says that it failed, but the visit is not over: the gateway itself failed.
            raise CardFormFailed("the gateway failed") if error else TokenizationRunning
        if registration.card_token is None:
            raise ReplyIncomplete("a finished registration without an active token")
        self._masked_number = registration.masked_number
        return registration.card_token

    def find_funding_source(self, card_token: Secret) -> FundingSource:
        """Makes no call: Switchio has nothing but the card's token."""
        number = self._masked_number
        return FundingSource(id=card_token.reveal(), last_digits=None if number is None else number.reveal())

    def link(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        self._add(funding_source, group_id, expires_at)

    def find_link(self, funding_source: FundingSource, group_id: str) -> Link | None:
        for item in self.client.get_groups_of_card(Secret(funding_source.id)):
            if item["group"] == group_id:
                return Link(group_id=group_id, expires_at=parse_expiry(item["expiresAt"]))
        return None

    def change_expiry(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        self._add(funding_source, group_id, expires_at)

    def unlink(self, funding_source: FundingSource, group_id: str) -> None:
        self.client.remove(Secret(funding_source.id), group_id)

    def find_groups(self) -> dict[str, str]:
        return {str(group["code"]): str(group["name"] or "") for group in self.client.get_groups()}

    def check_health(self) -> None:
        self.client.echo()

    def _add(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        self.client.add(Secret(funding_source.id), group_id, None if expires_at is None else format_expiry(expires_at))


def _with_query(url: object, **added: str) -> str:
    """Raises ``ReplyIncomplete`` if ``url`` is not a URL."""
    try:
        parts = urlsplit(str(url))
    except ValueError:
        raise ReplyIncomplete("a gateway address that is not a URL") from None
    query = [*parse_qsl(parts.query, keep_blank_values=True), *added.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))
