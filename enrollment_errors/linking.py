"""Making the link of a card to a concession group exactly once, with the right expiry.

Nobody asks before the first link: for a new rider that would be a call too many. The processor's 409 says that the card
is in the group already; only then, and where the link's answer was lost, is it asked which groups the card is in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import conf
from .classification import classify
from .exceptions import LinkAnswerLost, LinkNotConfirmed, ProcessorError, ReenrollmentTooEarly, StatusError
from .host import ExpiryPolicy
from .outcomes import Outcome, PendingLink, Stage
from .processors.base import Link, Processor

# A processor may keep an expiry by the day: a link that differs by less is the one that we asked for.
_SAME_EXPIRY = timedelta(days=1)


@contextmanager
def at(stage: Stage) -> Iterator[None]:
    """Tell a processor's error the stage that it happened at, unless something nearer to the call has done so."""
    try:
        yield
    except ProcessorError as error:
        if error.stage is None:
            error.stage = stage
        raise


@dataclass(frozen=True)
class Linked:
    """How a link came to be as it should, as a code of the catalogue, and when it expires (aware, or never)."""

    code: str
    expires_at: datetime | None


class ConcessionLink:
    """The link of one funding source to one concession group, as ``pending`` says what is wanted."""

    def __init__(
        self, processor: Processor, pending: PendingLink, policy: ExpiryPolicy | None, *, now: datetime
    ) -> None:
        self._processor = processor
        self._funding_source = pending.funding_source
        self._group_id = pending.group_id
        self._wanted = pending.expires_at
        self._policy = policy
        self._now = now

    def make(self) -> Linked:
        """Link. After a lost answer ask; where the card is not in the group, link once more.

        Raises ``ProcessorError``; ``ReenrollmentTooEarly``; ``ExpiryNotClearable``; ``LinkNotConfirmed``;
        ``LinkAnswerLost`` where the link may have been made and nobody could be asked.
        """
        for _ in range(2):
            try:
                with at(Stage.LINK), self._processor.http.deadline.keeping_half_back():
                    self._processor.link(self._funding_source, self._group_id, self._wanted)
            except ProcessorError as error:
                if error.stage is not Stage.LINK:
                    raise
                if self._means_already_linked(error):
                    return self._already_linked(error)
                if not error.may_have_taken_effect:
                    raise
                lost = error
            else:
                return Linked("linked", self._wanted)
            link = self._ask_what_became_of(lost)
            if link is not None:
                return self._settled(link)
        raise lost

    def settle(self) -> Linked | None:
        """What became of a link whose answer was lost in an earlier request: ``None`` where it was not made.

        Raises what ``make`` raises.
        """
        link = self._ask_what_became_of(None)
        return None if link is None else self._settled(link)

    def _ask_what_became_of(self, lost: ProcessorError | None) -> Link | None:
        try:
            return self._find()
        except ProcessorError as unanswered:
            raise LinkAnswerLost(lost, unanswered) from lost

    def _settled(self, link: Link) -> Linked:
        """The link is there: the one that was asked for, or one from before."""
        if _is_same(link.expires_at, self._wanted):
            return Linked("linked", link.expires_at)
        return self._reconcile(link)

    def _means_already_linked(self, error: ProcessorError) -> bool:
        verdict = classify(
            error, processor=self._processor.name, stage=Stage.LINK, site_rules=conf.get_settings().RULES
        )
        return verdict.outcome is Outcome.SUCCESS

    def _already_linked(self, conflict: ProcessorError) -> Linked:
        try:
            link = self._find()
        except ProcessorError:
            # The processor said that the card is in the group. Asking was about its expiry, which only matters where
            # the benefit expires: an expired rider must not be told that all is well.
            if self._policy is None:
                return Linked("already_linked", None)
            raise
        if link is not None:
            return self._reconcile(link)
        if has_unknown_words(conflict, self._processor.link_conflict_wordings):
            raise LinkNotConfirmed("409 with unknown words, and the card is not in the group")
        return Linked("already_linked", None)

    def _reconcile(self, link: Link) -> Linked:
        """The card is in the group: bring the link's expiry to what the benefit says."""
        if self._policy is None:
            return Linked("already_linked", None) if link.expires_at is None else self._change_expiry("expiry_cleared")
        if link.expires_at is None:
            return self._change_expiry("expiry_set")
        opens_at = self._policy.reenrollment_opens_at(link.expires_at)
        if self._now < opens_at:
            raise ReenrollmentTooEarly(link.expires_at, opens_at)
        return self._change_expiry("renewed")

    def _change_expiry(self, code: str) -> Linked:
        with at(Stage.EXPIRY):
            self._processor.change_expiry(self._funding_source, self._group_id, self._wanted)
        return Linked(code, self._wanted)

    def _find(self) -> Link | None:
        with at(Stage.GROUPS):
            return self._processor.find_link(self._funding_source, self._group_id)


def has_unknown_words(conflict: ProcessorError, wordings: str | None) -> bool:
    """Whether ``conflict`` is a 409 in words that the pattern ``wordings`` does not know."""
    return (
        isinstance(conflict, StatusError)
        and conflict.status == 409
        and (wordings is None or re.search(wordings, conflict.body.reveal(), re.IGNORECASE) is None)
    )


def _is_same(expiry: datetime | None, wanted: datetime | None) -> bool:
    if expiry is None or wanted is None:
        return expiry is wanted
    return abs(expiry - wanted) < _SAME_EXPIRY
