"""The result of a request, for the views, for the site, and for a later request that continues it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .outcomes import Outcome
from .processors.types import FundingSource, Tokenization


@dataclass(frozen=True, kw_only=True)
class PendingLink:
    """A link to make, with everything needed to ask for it again if its answer is lost.

    ``account`` is the site's name for the processor account. ``expires_at`` is the link's expiry (aware), or ``None``
    if the benefit does not expire. ``sent_at`` is when the link was last sent, in epoch seconds; for some time after
    that, it may still take effect. ``proof`` is a random name for the rider's proof if the site limits how many cards
    can be enrolled with it, otherwise empty.
    """

    account: str
    group_id: str = field(repr=False)
    funding_source: FundingSource
    expires_at: datetime | None
    sent_at: float
    proof: str = ""

    def is_same_link(self, account: str, group_id: str, funding_source: FundingSource) -> bool:
        return (self.account, self.group_id, self.funding_source.id) == (account, group_id, funding_source.id)


@dataclass(frozen=True)
class Result:
    """What the service returns to the views.

    All moments are aware. ``enrolled_at`` is when the link or its renewal was sent, or when the card was found to be
    linked already. ``expires_at`` and ``reenrollment_opens_at`` are set if the benefit expires. ``tokenization`` is set
    after a successful token request, and ``pending`` with the outcome ``UNKNOWN`` if the answer to a link is lost.
    ``finishing`` is the name of the promise to finish it later, or empty. ``is_new`` is false if another request from
    this rider already had this result.

    For a linked card, ``card_scheme`` and ``card_category`` are the processor's terms (``visa``, ``debit``), and
    ``card_last_digits`` are up to four digits to recognize it by; they are ``None`` if the processor does not say.
    """

    outcome: Outcome
    code: str
    reference: str
    enrolled_at: datetime | None = None
    expires_at: datetime | None = None
    reenrollment_opens_at: datetime | None = None
    tokenization: Tokenization | None = None
    pending: PendingLink | None = None
    is_new: bool = True
    card_scheme: str | None = None
    card_category: str | None = None
    card_last_digits: str | None = None
    finishing: str = ""


def never_expires(code: str, enrolled_at: datetime | None, expires_at: datetime | None) -> bool:
    """Whether a page may say that the reduced fare has no end. Of another group of the account, only the link is
    known."""
    return enrolled_at is not None and expires_at is None and code != "already_linked_elsewhere"


def how_enrolled(code: str) -> str:
    """For pages: ``now``, ``again`` for a renewal, or ``before`` for a card that was linked already."""
    return {"linked": "now", "renewed": "again"}.get(code, "before")
