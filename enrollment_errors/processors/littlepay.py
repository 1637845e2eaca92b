"""Littlepay: a thin client of its back-office API, and the processor on top of it.

The protocol is taken from public client code. The rest of the service's behavior is unknown, so the client ignores
unknown keys and raises a clear error if a required key is missing. It never lists the members of a group, because that
list grows with the group.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..codes import gettext_noop
from ..exceptions import ExpiryNotClearable, ReplyIncomplete, ReplyNotJson, TokenTypeUnsupported
from ..secret import Secret
from ..transport import AccessToken
from .base import Processor
from .expiry import format_expiry, parse_expiry
from .types import (
    BASE_URL,
    Access,
    CardForm,
    CardFormKind,
    FundingSource,
    Link,
    Option,
    OptionKind,
    Tokenization,
    TokenizationRequest,
)

if TYPE_CHECKING:
    from ..transport import ProcessorHttp, Response

_PER_PAGE = 100
_MOST_PAGES = 20
"""2,000 groups. A longer list is taken to be endless."""
_LONGEST_ACCESS_TOKEN = 16_384
"""Characters; web servers refuse a longer header, and caches refuse a much longer entry."""
_LONGEST_LIFE = 86_400.0
"""Seconds to use an access at most, even if the processor gives more: a page's script can wait no longer."""
_CARD_FORM_URL = Option(
    name="CARD_FORM_URL",
    kind=OptionKind.URL,
    help_text=gettext_noop(
        "The host of the card form: https://verify.qa.littlepay.com for tests, https://verify.littlepay.com in "
        "production. It belongs to the same environment as BASE_URL."
    ),
)
_API_VERSION = Option(
    name="API_VERSION",
    is_required=False,
    default="v1",
    help_text=gettext_noop("The version in the path of the API."),
)
_CARD_FORM_OPTIONS = Option(
    name="CARD_FORM_OPTIONS",
    kind=OptionKind.MAPPING,
    is_required=False,
    default={},
    help_text=gettext_noop('How the card form looks, such as {"color": "#046b99"}.'),
)
_FUNDING_SOURCE_SCOPE = Option(
    name="FUNDING_SOURCE_SCOPE",
    is_required=False,
    default="",
    help_text=gettext_noop(
        "Accounts with the same value here know each other's cards, so that riders of a region enter their card once. "
        "Leave it empty unless Littlepay says so of your accounts."
    ),
)
_CARD_FORM_LANGUAGES = {"es": "es-419"}


class LittlepayClient:
    """The API, one method per request. Raises ``ProcessorError``."""

    def __init__(self, options: Mapping[str, Any], http: ProcessorHttp) -> None:
        self._http = http
        self._prefix = f"api/{_API_VERSION.of(options)}/"
        self._credentials = {
            "grant_type": "client_credentials",
            "client_id": Secret(options["CLIENT_ID"]),
            "client_secret": Secret(options["CLIENT_SECRET"]),
            "audience": options["AUDIENCE"],
        }  # everything that decides what a token is good for

    def request_card_tokenization_access(self) -> AccessToken:
        # Asking twice is harmless, both here and for the API's token.
        response = self._call(
            "POST",
            "cardtokenisation/requestaccess",
            json={"request_access": "CARD_TOKENISATION"},
            idempotent=True,
        )
        return self._access_token(response)

    def get_funding_source(self, card_token: Secret) -> dict[str, Any]:
        """``{id, card_scheme, card_category, card_last_digits}``. The rest is not needed, so it is not read."""
        response = self._call(
            "GET", "fundingsources/bytoken/{card_token}", path={"card_token": card_token}, idempotent=True
        )
        return response.json_fields("id", optional=("card_scheme", "card_category", "card_last_digits"))

    def get_concession_groups(self) -> Iterator[dict[str, Any]]:
        """All groups of the account: ``{id, label, participant_id}``."""
        return self._pages("concession_groups", {})

    def get_concession_group_products(self, group_id: str) -> Iterator[dict[str, Any]]:
        """The products of a group: ``{id, …}``."""
        return self._pages("concession_groups/{group_id}/products", {"group_id": group_id})

    def get_product(self, product_id: str) -> dict[str, Any]:
        """``{status, code}``. The rest is not read."""
        response = self._call("GET", "products/{product_id}", path={"product_id": product_id}, idempotent=True)
        return response.json_fields("status", optional=("code",))

    def get_funding_source_groups(self, funding_source_id: Secret) -> Iterator[dict[str, Any]]:
        """The groups that a card is in: ``{id, group_id, label, created_date, updated_date, expiry_date}``."""
        return self._pages(
            "fundingsources/{funding_source_id}/concession_groups", {"funding_source_id": funding_source_id}
        )

    def link(self, group_id: str, funding_source_id: Secret, expiry: str | None) -> None:
        body: dict[str, str | Secret] = (
            {"id": funding_source_id} if expiry is None else {"id": funding_source_id, "expiry": expiry}
        )
        response = self._call(
            "POST", "concession_groups/{group_id}/fundingsources", path={"group_id": group_id}, json=body
        )
        _check_acknowledged(response)

    def change_expiry(self, group_id: str, funding_source_id: Secret, expiry: str) -> None:
        _check_acknowledged(
            self._call_link("PUT", group_id, funding_source_id, json={"expiry": expiry}, idempotent=True)
        )

    def unlink(self, group_id: str, funding_source_id: Secret) -> None:
        _check_acknowledged(self._call_link("DELETE", group_id, funding_source_id, idempotent=True))

    def _call_link(self, method: str, group_id: str, funding_source_id: Secret, **kwargs: Any) -> Response:
        path: dict[str, str | Secret] = {"group_id": group_id, "funding_source_id": funding_source_id}
        return self._call(
            method, "concession_groups/{group_id}/fundingsources/{funding_source_id}", path=path, **kwargs
        )

    def _pages(self, route: str, path: Mapping[str, str | Secret]) -> Iterator[dict[str, Any]]:
        seen = 0
        for page in range(1, _MOST_PAGES + 1):
            query = {"page": page, "per_page": _PER_PAGE}
            reply = self._call("GET", route, path=path, query=query, idempotent=True).json_fields(
                "list", optional=("total_count",)
            )
            items = reply["list"]
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise ReplyIncomplete("something other than a list")
            yield from items
            seen += len(items)
            total = _number(reply["total_count"])
            # An empty page is always the last one: a wrong count must not make an endless loop.
            if not items or (len(items) < _PER_PAGE if total is None else seen >= total):
                return
        raise ReplyIncomplete(f"a list that does not end after {_MOST_PAGES} pages")

    def _call(
        self,
        method: str,
        route: str,
        *,
        path: Mapping[str, str | Secret] | None = None,
        query: Mapping[str, str | int] | None = None,
        json: Mapping[str, Any] | None = None,
        idempotent: bool = False,
    ) -> Response:
        return self._http.tokens.use(
            self._fetch_access_token,
            lambda token: self._http.request(
                method,
                self._prefix + route,
                path=path or {},
                query=query or {},
                json=json,
                headers={"Authorization": token},  # the bare token, without the word Bearer
                idempotent=idempotent,
            ),
            credentials=self._credentials.values(),
        )

    def _fetch_access_token(self) -> AccessToken:
        response = self._http.request("POST", self._prefix + "oauth/token", json=self._credentials, idempotent=True)
        return self._access_token(response)

    def _access_token(self, response: Response) -> AccessToken:
        reply = response.json_fields(
            "access_token", optional=("token_type", "expires_in", "expires_at"), secret=("access_token",)
        )
        if reply["token_type"] is not None and str(reply["token_type"]).lower() != "bearer":
            raise TokenTypeUnsupported("a token type other than bearer")
        if len(reply["access_token"].reveal()) > _LONGEST_ACCESS_TOKEN:
            raise ReplyIncomplete("an access token that is too long for a header")
        return AccessToken(reply["access_token"], self._expires_at(reply["expires_at"], reply["expires_in"]))

    def _expires_at(self, expires_at: object, expires_in: object) -> float | None:
        now = self._http.clock.time()
        at, seconds = _number(expires_at), _number(expires_in)
        if at is None and seconds is not None:
            at = now + seconds
        return None if at is None else min(at, now + _LONGEST_LIFE)


def _number(value: object) -> float | None:
    """``None`` unless it is a number one can calculate with. Some services write numbers as texts."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _check_acknowledged(response: Response) -> None:
    """An empty 2xx or any JSON is fine; a gateway's page says nothing about what the service did."""
    if not response.is_empty and not response.is_json:
        raise ReplyNotJson("a 2xx whose body is neither empty nor JSON")


class LittlepayProcessor(Processor):
    name = "littlepay"
    account_options = (
        BASE_URL,
        Option(name="CLIENT_ID", help_text=gettext_noop("Littlepay gives it to you when it opens your account.")),
        Option(name="CLIENT_SECRET", is_secret=True, help_text=gettext_noop("The secret of the client id.")),
        Option(
            name="AUDIENCE",
            help_text=gettext_noop("What access tokens are for. Littlepay gives it to you with the client id."),
        ),
        _CARD_FORM_URL,
        _API_VERSION,
        _CARD_FORM_OPTIONS,
        _FUNDING_SOURCE_SCOPE,
    )
    link_conflict_wordings = r"already (belongs to|in|exists in) (a )?(concession )?group|duplicate customer"

    def __init__(self, account: str, options: Mapping[str, Any], http_to: Mapping[str, ProcessorHttp]) -> None:
        super().__init__(account, options, http_to)
        self.client = LittlepayClient(options, self.http)

    @classmethod
    def funding_source_scope(cls, account: str, options: Mapping[str, Any]) -> str:
        return str(_FUNDING_SOURCE_SCOPE.of(options) or account)

    @classmethod
    def card_form(cls, options: Mapping[str, Any], asked: TokenizationRequest) -> CardForm:
        host = options[_CARD_FORM_URL.name].rstrip("/")
        shown: dict[str, Any] = {
            **_CARD_FORM_OPTIONS.of(options),
            "language": _CARD_FORM_LANGUAGES.get(asked.language.split("-")[0], "en"),
        }
        if asked.card_schemes:
            shown["cardTypes"] = list(asked.card_schemes)
        return CardForm(
            kind=CardFormKind.DIALOG,
            adapter="enrollment_errors/processors/littlepay.js",
            script=f"{host}/assets/js/littlepay.min.js",
            function="littlepay",
            data={"envUrl": host, "options": shown},
            card_schemes=shown.get("cardTypes", ()),
            opens_at_once=asked.is_in_person,
        )

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Tokenization:
        access = self.client.request_card_tokenization_access()
        # An access without an expiry is used once and not kept.
        expires_at = self.http.clock.time() if access.expires_at is None else access.expires_at
        return Access(access_token=access.value, expires_at=expires_at)

    def find_funding_source(self, card_token: Secret) -> FundingSource:
        reply = self.client.get_funding_source(card_token)
        return FundingSource(
            id=reply["id"],
            scheme=reply["card_scheme"],
            category=reply["card_category"],
            last_digits=reply["card_last_digits"],
        )

    def link(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        self.client.link(group_id, Secret(funding_source.id), None if expires_at is None else format_expiry(expires_at))

    def find_link(self, funding_source: FundingSource, group_id: str) -> Link | None:
        for item in self.client.get_funding_source_groups(Secret(funding_source.id)):
            if item.get("group_id") == group_id:
                return Link(group_id=group_id, expires_at=parse_expiry(item.get("expiry_date")))
        return None

    def change_expiry(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        if expires_at is None:
            raise ExpiryNotClearable("the processor can change the expiry of a link, but cannot clear it")
        self.client.change_expiry(group_id, Secret(funding_source.id), format_expiry(expires_at))

    def unlink(self, funding_source: FundingSource, group_id: str) -> None:
        self.client.unlink(group_id, Secret(funding_source.id))

    def find_groups(self) -> dict[str, str]:
        return {str(group.get("id")): str(group.get("label") or "") for group in self.client.get_concession_groups()}

    def find_products(self, group_id: str) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for item in self.client.get_concession_group_products(group_id):
            product = self.client.get_product(str(item.get("id")))
            is_active = str(product["status"]).upper() == "ACTIVE"
            found[str(product["code"] or item.get("id"))] = is_active
            if is_active:
                break
        return found
