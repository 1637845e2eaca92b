"""Making the link of a card to a concession group exactly once, with the right expiry.

Most processors are not asked before the first link: for a new rider that would be a call too many. Their 409 says that
the card is in the group already; only then, and where the link's answer was lost, are they asked which groups the card
is in. One that overwrites links has no 409, and is asked before. While a lost link may still be at work, "not in the
group" proves nothing, and no second one is sent.
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
    """The link of one funding source to one concession group.

    ``wanted`` says what it shall be; after a failure ``wanted.sent_at`` is when the link that may still be at work was
    sent. ``lost`` is the rider's own link from an earlier request whose answer was lost, if there is one. One that
    ``reads_first`` asks before it sends anything, whatever the processor does with a second link.
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
        # Links with the expiry that we want are this rider's own, and no earlier enrollment: all that we, or another
        # request of this very moment, have asked for.
        self._ours = [] if lost is None else [lost.expires_at]

    def make(self) -> Linked:
        """Link, or settle what an earlier request has left open.

        The claim of a link that is there stands until ``LinkClaim.tell``. Raises ``ProcessorError``;
        ``ReenrollmentTooEarly``; ``ExpiryNotClearable``; ``LinkNotConfirmed``; ``LinkAnswerLost`` where the link may
        have been made, or may still be made, and nobody knows.
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
            return self._link() if link is None else self._settled(link)

    def _find_before(self) -> Link | None:
        """Nothing has been sent for this rider yet: where asking fails, nothing is lost."""
        return self._find() if self._reads_first else None

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        """The claim is given up once it is known that there is no link to tell of, and kept while nothing is known."""
        try:
            yield
        except LinkAnswerLost:
            self._claim.keep(self.wanted.sent_at)
            raise
        except Exception:
            self._claim.free()
            raise

    def _link(self) -> Linked:
        """Twice at most, and the second time only where the first is surely over and came to nothing."""
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
        """A link is under way, or its answer was lost: ask, and send no second one."""
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
        """The link is there: one that was just asked for, or one from before."""
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
            # Words that we know say that the card is in the group. Asking was about its expiry, which only matters
            # where the benefit expires: an expired rider must not be told that all is well.
            if self._policy is None and not is_unknown:
                return Linked("already_linked", None)
            raise LinkAnswerLost(conflict, unanswered) from conflict
        if link is not None:
            return self._settled(link)
        if is_unknown:
            raise LinkNotConfirmed("409 with unknown words, and the card is not in the group")
        return Linked("already_linked_elsewhere", None)

    def _reconcile(self, link: Link) -> Linked:
        """The card is in the group: bring the link's expiry to what the benefit says."""
        if self._policy is None:
            return Linked("already_linked", None) if link.expires_at is None else self._change_expiry("expiry_cleared")
        if link.expires_at is None:
            return self._change_expiry("expiry_set", is_enrolled=True)
        opens_at = self._policy.reenrollment_opens_at(link.expires_at)
        if self._now < opens_at:
            raise ReenrollmentTooEarly(link.expires_at, opens_at)
        return self._change_expiry("renewed", is_enrolled=self._now < link.expires_at)

    def _change_expiry(self, code: str, *, is_enrolled: bool = False) -> Linked:
        """``is_enrolled``: the rider has the fare today, whatever becomes of the change."""
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
    """Whether ``conflict`` is a 409 in words that the pattern ``wordings`` does not know."""
    return (
        isinstance(conflict, StatusError)
        and conflict.status == 409
        and (wordings is None or re.search(wordings, conflict.body.reveal(), re.IGNORECASE) is None)
    )


def is_same_expiry(expiry: datetime | None, wanted: datetime | None) -> bool:
    if expiry is None or wanted is None:
        return expiry is wanted
    return abs(expiry - wanted) < _SAME_EXPIRY
