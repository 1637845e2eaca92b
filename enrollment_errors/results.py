"""What a request came to: for the views, for the site, and for a later request that goes on with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .outcomes import Outcome
from .processors.types import FundingSource, Tokenization


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
    answer to a link is lost. ``finishing`` is the name of the promise to finish it later. It is empty without one.
    ``is_new`` is false for an end that another request of this rider's came to before.

    Of a card that was linked, ``card_scheme`` and ``card_category`` are what the processor calls them (``visa``,
    ``debit``), and ``card_last_digits`` up to four digits to know it by; ``None`` where it does not say.
    """

    outcome: Outcome
    code: str
    reference: str
    expires_at: datetime | None = None
    reenrollment_opens_at: datetime | None = None
    tokenization: Tokenization | None = None
    pending: PendingLink | None = None
    is_new: bool = True
    card_scheme: str | None = None
    card_category: str | None = None
    card_last_digits: str | None = None
    finishing: str = ""
