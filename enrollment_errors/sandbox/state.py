"""What the sandbox's processor remembers: cards, concession groups, links and access tokens. Kept in memory only."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

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
"""The ways in which a link that exists already has been refused over the years, and one that nobody has seen."""


class Refused(Exception):
    """The API's own errors, with an HTTP status. ``oauth_error`` is the word for it at the token's endpoint alone."""

    def __init__(self, status: int, detail: str, oauth_error: str = "invalid_request") -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail
        self.oauth_error = oauth_error

    def as_json(self) -> dict[str, Any]:
        return {"errors": [{"detail": self.detail}]}

    def as_oauth_json(self) -> dict[str, Any]:
        """RFC 6749, 5.2, beside the API's own form: without ``error``, OAuth clients take any JSON for a token."""
        return {**self.as_json(), "error": self.oauth_error, "error_description": self.detail}


def now() -> datetime:
    return datetime.now(timezone.utc)


def written(moment: datetime | None) -> str | None:
    """UTC, whole seconds, ``Z``: the only form of a time that the API reads or writes."""
    return None if moment is None else moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(kw_only=True)
class FundingSource:
    id: str
    scheme: str
    category: str | None
    created: datetime

    def as_json(self) -> dict[str, Any]:
        category = {} if self.category is None else {"card_category": self.category}
        return {
            "id": self.id,
            "card_first_digits": "476173",
            "card_last_digits": "0119",
            "card_expiry_month": "12",
            "card_expiry_year": "31",
            "card_scheme": self.scheme,
            **category,
            "form_factor": "physical",
            "participant_id": PARTICIPANT,
            "is_fpan": False,
            "related_funding_sources": [],
            "created_date": written(self.created),
        }


@dataclass(kw_only=True)
class Link:
    """A funding source's membership of a group. It stays, and is still listed, when its expiry has passed."""

    id: str
    created: datetime
    updated: datetime
    expiry: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "created_date": written(self.created),
            "updated_date": written(self.updated),
            "expiry_date": written(self.expiry),
        }


@dataclass(kw_only=True)
class Group:
    """``links`` by the id of the funding source."""

    id: str
    label: str
    links: dict[str, Link] = field(default_factory=dict)


class State:
    """Thread-safe through ``lock``, which the API holds for each call.

    Plain attributes to set: ``client_id``, ``client_secret``, ``audience``, ``version`` (of the API's path),
    ``token_type``, ``api_token_seconds`` and ``form_token_seconds`` (``expires_in`` of what is issued), and
    ``link_conflict``, a key of ``LINK_CONFLICTS``.
    """

    def __init__(self, groups: Mapping[str, str] = DEFAULT_GROUPS) -> None:
        self._first_groups = groups
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """As new: no card, no token, and the groups that it was made with (id → label)."""
        with self.lock:
            self.client_id = "sandbox-client-id"
            self.client_secret = "sandbox-client-secret"  # noqa: S105 (the sandbox's own, printed for everybody)
            self.audience = "sandbox-audience"
            self.version = "v1"
            self.token_type = "Bearer"  # noqa: S105
            self.api_token_seconds = 3600
            self.form_token_seconds = 1800
            self.link_conflict = "belongs"
            self.cards: dict[str, FundingSource] = {}
            self.funding_sources: dict[str, FundingSource] = {}
            self.groups: dict[str, Group] = {}
            self.api_tokens: dict[str, float] = {}
            self.form_tokens: dict[str, float] = {}
            for group_id, label in self._first_groups.items():
                self.add_group(group_id, label)

    # What tests and demonstrations arrange.

    def add_card(self, token: str, scheme: str = "visa", category: str | None = "debit") -> str:
        """A card that the card form would answer ``token`` for. Returns the id of its funding source."""
        with self.lock:
            source = FundingSource(id=f"source-{secrets.token_hex(8)}", scheme=scheme, category=category, created=now())
            self.cards[token] = self.funding_sources[source.id] = source
            return source.id

    def add_group(self, group_id: str, label: str = "") -> None:
        with self.lock:
            self.groups[group_id] = Group(id=group_id, label=label or group_id)

    def fill_group(self, group_id: str, members: int) -> None:
        """Put ``members`` cards of other riders into the group: 10,000 take a few hundredths of a second."""
        with self.lock:
            first = len(self.cards)
            for number in range(first, first + members):
                self.link(self.add_card(f"other-rider-{number}"), group_id)

    def revoke_api_tokens(self) -> None:
        """What has been issued so far is refused from now on, although it has not expired."""
        with self.lock:
            self.api_tokens.clear()

    def revoke_form_tokens(self) -> None:
        with self.lock:
            self.form_tokens.clear()

    # What the API does.

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

    def card(self, token: str) -> FundingSource:
        if token not in self.cards:
            raise Refused(404, "Funding source not found for this token")
        return self.cards[token]

    def funding_source(self, source_id: str) -> FundingSource:
        if source_id not in self.funding_sources:
            raise Refused(404, "Funding source not found")
        return self.funding_sources[source_id]

    def group(self, group_id: str) -> Group:
        if group_id not in self.groups:
            raise Refused(404, "Concession group not found")
        return self.groups[group_id]

    def groups_of(self, source_id: str) -> list[tuple[Group, Link]]:
        source = self.funding_source(source_id)
        return [(group, group.links[source.id]) for group in self.groups.values() if source.id in group.links]

    def link(self, source_id: str, group_id: str, expiry: datetime | None = None) -> Link:
        """Raises ``Refused``: 404, or what ``link_conflict`` says for a card that is in the group already."""
        with self.lock:
            group, source = self.group(group_id), self.funding_source(source_id)
            if source.id in group.links:
                status, wording = LINK_CONFLICTS[self.link_conflict]
                raise Refused(status, wording.format(card=source.id, group=group.id))
            moment = now()
            link = Link(id=f"link-{secrets.token_hex(8)}", created=moment, updated=moment, expiry=expiry)
            group.links[source.id] = link
            return link

    def existing_link(self, source_id: str, group_id: str) -> Link:
        group, source = self.group(group_id), self.funding_source(source_id)
        if source.id not in group.links:
            raise Refused(404, "The funding source is not in this concession group")
        return group.links[source.id]

    def change_expiry(self, source_id: str, group_id: str, expiry: datetime) -> None:
        with self.lock:
            link = self.existing_link(source_id, group_id)
            link.expiry, link.updated = expiry, now()

    def unlink(self, source_id: str, group_id: str) -> None:
        with self.lock:
            self.existing_link(source_id, group_id)
            del self.groups[group_id].links[source_id]
