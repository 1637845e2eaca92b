"""Links a card to a concession group exactly once, with the right expiry.

With most processors, it does not ask before the first link: for a new rider that would be a wasted call. A 409 says
that the card is already in the group. Only then, or if the link's answer was lost, it asks which groups the card is in.
A processor that overwrites links gives no 409, so it asks first. While a lost link may still take effect, "not in the
group" proves nothing, and no second link is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from . import conf
from .adapter import ExpiryPolicy
from .claims import LinkClaim
from .classification import classify
from .exceptions import LinkAnswerLost, LinkNotConfirmed, ProcessorError, ReenrollmentTooEarly, StatusError
from .outcomes import Outcome, Stage
from .processors.base import Processor
from .processors.types import Link
from .results import PendingLink

# A processor may store an expiry by the day: a link that differs by less is the one that we asked for.
_SAME_EXPIRY = timedelta(days=1)


@contextmanager
def at(stage: Stage) -> Iterator[None]:
    """Set the stage of a processor's error, unless code nearer to the call has done so."""
    try:
        yield
    except ProcessorError as error:
        if error.stage is None:
            error.stage = stage
        raise


@dataclass(frozen=True)
class Linked:
    """How the link was made or corrected, as a code of the catalogue, and when it expires (aware; ``None``: never)."""

    code: str
    expires_at: datetime | None


class ConcessionLink:
    """The link of one funding source to one concession group.

    ``wanted`` is the link to make. Afterward, ``wanted.sent_at`` is when it was sent, or after a failure, when the link
    that may still take effect was sent. ``lost`` is the rider's own link from an earlier request whose answer was lost,
    if any. With ``reads_first``, it asks before it sends anything, even if the processor does not overwrite links.
    """

    def __init__(
        self,
        processor: Processor,
        wanted: PendingLink,
        policy: ExpiryPolicy | None,
        claim: LinkClaim,
        *,
        now: datetime,
        lost: PendingLink | None = None,
        reads_first: bool = False,
    ) -> None:
        self.wanted = wanted
        self._processor = processor
        self._policy = policy
        self._claim = claim
        self._now = now
        self._lost = lost
        self._reads_first = reads_first or processor.overwrites_links
        self._quiet = conf.get_settings().LINK_QUIET_TIME
        # A link with one of these expiries is no earlier enrollment: this request, or another one at the same time, has
        # just asked for it.
        self._ours = [] if lost is None else [lost.expires_at]

    def make(self) -> Linked:
        """Link, or settle what an earlier request left open.

        If the link exists, its claim holds until ``LinkClaim.tell``. Raises ``ProcessorError``;
        ``ReenrollmentTooEarly``; ``ExpiryNotClearable``; ``LinkNotConfirmed``; ``LinkAnswerLost`` if it is unknown
        whether the link was made or may still be made.
        """
        is_first = self._lost is None
        while not self._claim.make():
            is_first = False
            self._ours.append(self.wanted.expires_at)
            sent_at = self._claim.wait(self._processor.http.deadline.remaining() / 2)
            if sent_at is not None:
                return self._settled_or_lost(sent_at)
        with self._claimed():
            if self._lost is not None and self._may_be_at_work(self._lost):
                return self._settled_or_lost(self._lost.sent_at)
            link = self._find_before() if is_first else self._ask_what_became_of(None)
            if link is None:
                return self._link()
            linked = self._settled(link)
            if self._lost is not None and linked.code == "linked":
                self.wanted = replace(self.wanted, sent_at=self._lost.sent_at)
            return linked

    def _find_before(self) -> Link | None:
        """Nothing was sent for this rider yet, so an error here is not a ``LinkAnswerLost``."""
        return self._find() if self._reads_first else None

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        """Frees the claim after a failure, but keeps it while the outcome of the link is unknown."""
        try:
            yield
        except LinkAnswerLost:
            self._claim.keep(self.wanted.sent_at)
            raise
        except Exception:
            self._claim.free()
            raise

    def _link(self) -> Linked:
        """Sends the link twice at most, and again only if the first one certainly ended without effect."""
        for _ in range(2):
            self.wanted = replace(self.wanted, sent_at=self._processor.http.clock.time())
            try:
                with at(Stage.LINK), self._processor.http.deadline.keeping_half_back():
                    self._processor.link(self.wanted.funding_source, self.wanted.group_id, self.wanted.expires_at)
            except ProcessorError as error:
                if error.stage is not Stage.LINK:
                    raise
                if self._means_already_linked(error):
                    return self._already_linked(error)
                if not error.may_have_taken_effect:
                    raise
                lost = error
            else:
                return Linked("linked", self.wanted.expires_at)
            self._ours.append(self.wanted.expires_at)
            link = self._ask_what_became_of(lost)
            if link is not None:
                return self._settled(link)
            if lost.may_go_on:
                raise LinkAnswerLost(lost, None) from lost
        raise lost

    def _may_be_at_work(self, lost: PendingLink) -> bool:
        return self._processor.http.clock.time() - lost.sent_at < self._quiet

    def _settled_or_lost(self, sent_at: float) -> Linked:
        """A link is in progress, or its answer was lost: ask, but send no second link."""
        self.wanted = replace(self.wanted, sent_at=sent_at)
        link = self._ask_what_became_of(None)
        if link is None:
            raise LinkAnswerLost(None, None)
        return self._settled(link)

    def _ask_what_became_of(self, lost: ProcessorError | None) -> Link | None:
        try:
            return self._find()
        except ProcessorError as unanswered:
            raise LinkAnswerLost(lost, unanswered) from lost

    def _settled(self, link: Link) -> Linked:
        """The link exists: this rider has just asked for it, or it is from before."""
        if any(is_same_expiry(link.expires_at, expires_at) for expires_at in self._ours):
            return Linked("linked", link.expires_at)
        return self._reconcile(link)

    def _means_already_linked(self, error: ProcessorError) -> bool:
        verdict = classify(
            error, processor=self._processor.name, stage=Stage.LINK, site_rules=conf.get_settings().RULES
        )
        return verdict.outcome is Outcome.SUCCESS

    def _already_linked(self, conflict: ProcessorError) -> Linked:
        is_unknown = has_unknown_words(conflict, self._processor.link_conflict_wordings)
        try:
            link = self._find()
        except ProcessorError as unanswered:
            # Known words mean that the card is in the group, so only its expiry is open. That matters only if the
            # benefit expires: an expired rider must not read that all is well.
            if self._policy is None and not is_unknown:
                return Linked("already_linked", None)
            raise LinkAnswerLost(conflict, unanswered) from conflict
        if link is not None:
            return self._settled(link)
        if is_unknown:
            raise LinkNotConfirmed("a 409 in unknown words, and the card is not in the group")
        return Linked("already_linked_elsewhere", None)

    def _reconcile(self, link: Link) -> Linked:
        """The card is in the group: change the link's expiry to that of the benefit, if necessary."""
        if self._policy is None:
            return Linked("already_linked", None) if link.expires_at is None else self._change_expiry("expiry_cleared")
        if link.expires_at is None:
            return self._change_expiry("expiry_set", is_enrolled=True)
        opens_at = self._policy.reenrollment_opens_at(link.expires_at)
        if self._now < opens_at:
            raise ReenrollmentTooEarly(link.expires_at, opens_at)
        return self._change_expiry("renewed", is_enrolled=self._now < link.expires_at)

    def _change_expiry(self, code: str, *, is_enrolled: bool = False) -> Linked:
        """``is_enrolled``: the rider has the fare today, even if the change fails."""
        try:
            with at(Stage.EXPIRY), self._processor.http.deadline.keeping_half_back():
                self._processor.change_expiry(self.wanted.funding_source, self.wanted.group_id, self.wanted.expires_at)
        except ProcessorError as error:
            if error.may_have_taken_effect:
                link = self._ask_what_became_of(error)
                if link is not None and is_same_expiry(link.expires_at, self.wanted.expires_at):
                    return Linked(code, link.expires_at)
            if is_enrolled or error.may_go_on:
                raise LinkAnswerLost(error, None) from error
            raise
        return Linked(code, self.wanted.expires_at)

    def _find(self) -> Link | None:
        with at(Stage.GROUPS):
            return self._processor.find_link(self.wanted.funding_source, self.wanted.group_id)


def has_unknown_words(conflict: ProcessorError, wordings: str | None) -> bool:
    """Whether ``conflict`` is a 409 with a text that the pattern ``wordings`` does not match."""
    return (
        isinstance(conflict, StatusError)
        and conflict.status == 409
        and (wordings is None or re.search(wordings, conflict.body.reveal(), re.IGNORECASE) is None)
    )


def is_same_expiry(expiry: datetime | None, wanted: datetime | None) -> bool:
    if expiry is None or wanted is None:
        return expiry is wanted
    return abs(expiry - wanted) < _SAME_EXPIRY
