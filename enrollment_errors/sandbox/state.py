"""The state of a sandbox processor: cards, concession groups and links. Kept in memory only."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

_WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class Refused(Exception):
    """The API's own errors, with an HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail

    def as_json(self) -> dict[str, Any]:
        return {"errors": [{"detail": self.detail}]}


def now() -> datetime:
    return datetime.now(timezone.utc)


def written(moment: datetime | None) -> str | None:
    """UTC, whole seconds, ``Z``: the only time format that the APIs read or write."""
    return None if moment is None else moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(value: object, name: str = "expiry") -> datetime:
    """Raises ``Refused`` 400 for anything but UTC, whole seconds, ``Z``."""
    try:
        if isinstance(value, str) and _WRITTEN_TIME.fullmatch(value):
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        pass  # the 31st of February
    raise Refused(400, f"{name} must be a time such as 2027-01-31T08:00:00Z")


@dataclass(kw_only=True)
class FundingSource:
    id: str
    scheme: str
    category: str | None
    created: datetime


@dataclass(kw_only=True)
class Link:
    """A funding source's membership in a group. It stays, and is still listed, after its expiry."""

    id: str
    created: datetime
    updated: datetime
    expiry: datetime | None


@dataclass(kw_only=True)
class Group:
    """``links`` by the id of the funding source."""

    id: str
    label: str
    links: dict[str, Link] = field(default_factory=dict)


class State:
    """Thread-safe through ``lock``, which the API holds for each call. Each processor's subclass adds its credentials.

    ``browser_url`` is the processor's URL for riders' browsers: without TLS, and reachable while the API is down.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
        self.browser_url = "https://processor.example"
        self.lock = threading.RLock()
        self.start_with(groups)

    def start_with(self, groups: Mapping[str, str]) -> None:
        """Use these groups, id → label, as the initial ones from now on."""
        self._first_groups = groups
        self.reset()

    def reset(self) -> None:
        """Start over: no cards, and the initial groups."""
        with self.lock:
            self.cards: dict[str, FundingSource] = {}
            self.funding_sources: dict[str, FundingSource] = {}
            self.groups: dict[str, Group] = {}
            for group_id, label in self._first_groups.items():
                self.add_group(group_id, label)

    # What tests and demonstrations arrange.

    def add_card(self, token: str, scheme: str = "visa", category: str | None = "debit") -> str:
        """Add a card for which the card form would return ``token``. Returns the id of its funding source."""
        with self.lock:
            source = FundingSource(id=self.new_id(token), scheme=scheme, category=category, created=now())
            self.cards[token] = self.funding_sources[source.id] = source
            return source.id

    def new_id(self, token: str) -> str:
        """The processor's id for the card of ``token``."""
        return f"source-{secrets.token_hex(8)}"

    def add_group(self, group_id: str, label: str = "") -> None:
        with self.lock:
            self.groups[group_id] = Group(id=group_id, label=label or group_id)

    def set_product(self, group_id: str, status: str | None) -> None:
        """Set the status of a group's fare product, such as ``ACTIVE`` or ``INACTIVE``; ``None``: it has none. Raises
        ``Refused`` 400 if the processor has no products."""
        raise Refused(400, "this processor knows no products")

    def fill_group(self, group_id: str, members: int) -> None:
        """Put ``members`` cards of other riders into the group: 10,000 take a few hundredths of a second."""
        with self.lock:
            first = len(self.cards)
            for number in range(first, first + members):
                self.link(self.add_card(f"other-rider-{number}"), group_id)

    def revoke(self) -> None:
        """Refuse everything issued to sites and riders so far, even if it has not expired."""

    # What the API does.

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
        """Overwrites an existing link. Raises ``Refused`` 404."""
        with self.lock:
            group, source, moment = self.group(group_id), self.funding_source(source_id), now()
            before = group.links.get(source.id)
            link = Link(
                id=f"link-{secrets.token_hex(8)}",
                created=moment if before is None else before.created,
                updated=moment,
                expiry=expiry,
            )
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
