"""The state of the sandbox's Littlepay besides cards, groups and links: credentials and access tokens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ..state import FundingSource, Group, Link, Refused, State, written

PARTICIPANT = "sandbox"
DEFAULT_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "group-seniors": "Older adults",
        "group-veterans": "Veterans",
        "group-low-income": "People with low incomes",
    }
)

LINK_CONFLICTS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "belongs": (409, "Conflict (409) - Customer already belongs to a concession group."),
        "funding_source": (409, "Funding source {card} is already in group {group}"),
        "customer_500": (500, "Customer {card} already exists in group {group}"),
        "duplicate_500": (500, "Duplicate customer {card}"),
        "unknown": (
            409,
            "The request could not be completed due to a conflict with the current state of the resource.",
        ),
    }
)
"""The ways in which an existing link has been refused over the years, and an invented one."""


class TokenRefused(Refused):
    """The error of the token endpoint. ``oauth_error`` is its OAuth code."""

    def __init__(self, status: int, detail: str, oauth_error: str) -> None:
        super().__init__(status, detail)
        self.oauth_error = oauth_error

    def as_json(self) -> dict[str, Any]:
        """RFC 6749, 5.2, besides the API's own form: without ``error``, OAuth clients take any JSON for a token."""
        return {**super().as_json(), "error": self.oauth_error, "error_description": self.detail}


class LittlepayState(State):
    """Plain attributes to set: ``client_id``, ``client_secret``, ``audience``, ``version`` (of the API's path),
    ``token_type``, ``api_token_seconds`` and ``form_token_seconds`` (``expires_in`` of issued tokens), and
    ``link_conflict``, a key of ``LINK_CONFLICTS``. ``products`` has the status of each group's product, by the group's
    id: ``ACTIVE`` in a new group. A group missing from it has no product.
    """

    def reset(self) -> None:
        with self.lock:
            self.client_id = "sandbox-client-id"
            self.client_secret = "sandbox-client-secret"  # noqa: S105 (the sandbox's own, printed for everyone)
            self.audience = "sandbox-audience"
            self.version = "v1"
            self.token_type = "Bearer"  # noqa: S105 (the name of a type)
            self.api_token_seconds = 3600
            self.form_token_seconds = 1800
            self.link_conflict = "belongs"
            self.api_tokens: dict[str, float] = {}
            self.form_tokens: dict[str, float] = {}
            self.products: dict[str, str] = {}
            super().reset()

    def add_group(self, group_id: str, label: str = "") -> None:
        with self.lock:
            super().add_group(group_id, label)
            self.products.setdefault(group_id, "ACTIVE")

    def set_product(self, group_id: str, status: str | None) -> None:
        with self.lock:
            self.group(group_id)
            if status is None:
                self.products.pop(group_id, None)
            else:
                self.products[group_id] = status

    def revoke(self) -> None:
        self.revoke_api_tokens()

    def revoke_api_tokens(self) -> None:
        with self.lock:
            self.api_tokens.clear()

    def revoke_form_tokens(self) -> None:
        with self.lock:
            self.form_tokens.clear()

    def issue_api_token(self) -> str:
        return self._issue(self.api_tokens, "sandbox-api-", self.api_token_seconds)

    def issue_form_token(self) -> str:
        return self._issue(self.form_tokens, "sandbox-form-", self.form_token_seconds)

    def _issue(self, kind: dict[str, float], prefix: str, seconds: float) -> str:
        token = prefix + secrets.token_hex(16)
        with self.lock:
            kind[token] = time.time() + seconds
        return token

    def accepts_api_token(self, token: str) -> bool:
        return self.api_tokens.get(token, 0) > time.time()

    def accepts_form_token(self, token: str) -> bool:
        return self.form_tokens.get(token, 0) > time.time()

    def link(self, source_id: str, group_id: str, expiry: datetime | None = None) -> Link:
        """Raises ``Refused``: 404, or the ``link_conflict`` for a card that is already in the group."""
        with self.lock:
            group, source = self.group(group_id), self.funding_source(source_id)
            if source.id in group.links:
                status, wording = LINK_CONFLICTS[self.link_conflict]
                raise Refused(status, wording.format(card=source.id, group=group.id))
            return super().link(source_id, group_id, expiry)


def product_of(group: Group) -> str:
    """The id of the group's product."""
    return f"product-{group.id}"


def card_as_json(source: FundingSource) -> dict[str, Any]:
    category = {} if source.category is None else {"card_category": source.category}
    return {
        "id": source.id,
        "card_first_digits": "476173",
        "card_last_digits": "0119",
        "card_expiry_month": "12",
        "card_expiry_year": "31",
        "card_scheme": source.scheme,
        **category,
        "form_factor": "physical",
        "participant_id": PARTICIPANT,
        "is_fpan": False,
        "related_funding_sources": [],
        "created_date": written(source.created),
    }


def link_as_json(link: Link) -> dict[str, Any]:
    return {
        "created_date": written(link.created),
        "updated_date": written(link.updated),
        "expiry_date": written(link.expiry),
    }
