"""The words that the whole app speaks: how an enrollment can end, and at which step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .processors.base import FundingSource, Tokenization


class Outcome(str, Enum):
    """How a request ended, and so which page the rider gets."""

    SUCCESS = "success"
    SYSTEM_ERROR = "system_error"
    SERVER_ERROR = "server_error"
    RETRY = "retry"
    TOO_EARLY = "too_early"
    UNKNOWN = "unknown"
    NOT_ELIGIBLE = "not_eligible"
    CHANGED = "changed"
    TOO_MANY = "too_many"

    @property
    def is_fault(self) -> bool:
        """Whether somebody has to look at it: an expected refusal is no fault."""
        return self in (Outcome.SYSTEM_ERROR, Outcome.SERVER_ERROR, Outcome.UNKNOWN)


class Stage(str, Enum):
    """The step at which something happened."""

    SITE = "site"  # the site's own code and settings, before any call
    AUTHORIZATION = "authorization"  # our own API access token
    TOKENIZATION = "tokenization"  # access to card tokenization, for the page
    CARD_FORM = "card_form"  # the processor's card form, in the rider's browser
    LOOKUP = "lookup"  # the funding source of a card token
    LINK = "link"  # the funding source into the concession group
    GROUPS = "groups"  # which concession groups the funding source is in
    EXPIRY = "expiry"  # the expiry of an existing link


class Side(str, Enum):
    BACKEND = "backend"
    FRONTEND = "frontend"


@dataclass(frozen=True, kw_only=True)
class PendingLink:
    """A link that is wanted: all that it takes to ask for it again, later, where its answer was lost.

    ``account`` is the site's name for the processor account, ``expires_at`` the expiry that the link shall have
    (aware), or ``None`` where the benefit does not expire. ``sent_at`` is when the link was last sent, in epoch
    seconds: until some time after that it may still take effect.
    """

    account: str
    group_id: str = field(repr=False)
    funding_source: FundingSource
    expires_at: datetime | None
    sent_at: float

    def is_same_link(self, account: str, group_id: str, funding_source: FundingSource) -> bool:
        return (self.account, self.group_id, self.funding_source.id) == (account, group_id, funding_source.id)


@dataclass(frozen=True)
class Result:
    """What the service tells the views.

    ``expires_at`` and ``reenrollment_opens_at`` are aware datetimes, present for a benefit that expires.
    ``tokenization`` is present after a successful token request, ``pending`` with the outcome ``UNKNOWN`` where the
    answer to a link is lost. ``is_new`` is false for an end that another request of this rider's came to before.
    """

    outcome: Outcome
    code: str
    reference: str
    expires_at: datetime | None = None
    reenrollment_opens_at: datetime | None = None
    tokenization: Tokenization | None = None
    pending: PendingLink | None = None
    is_new: bool = True
