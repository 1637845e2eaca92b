"""One request by a rider, for one target, under one reference. It ends in at most one report."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from . import card_limit, conf
from .account_directory import get_account
from .adapter import Enrollment
from .availability import Availability, switch_of
from .claims import LinkClaim
from .classification import Rule, classify
from .clock import SYSTEM_CLOCK, Deadline
from .exceptions import (
    ConfigurationError,
    EnrollmentError,
    LinkAnswerLost,
    ProcessorError,
    ReenrollmentTooEarly,
    SwitchedOff,
)
from .glance import Glance
from .journal import Entry, get_journal
from .linking import ConcessionLink, Linked, at, is_same_expiry
from .opening import glance_at, open_processor
from .outcomes import Outcome, Side, Stage
from .processors.account import Account
from .processors.base import Processor
from .processors.types import FundingSource
from .references import new_reference
from .reporting import causes
from .reporting.dispatch import dispatch
from .reporting.report import Event, Origin, Report
from .results import PendingLink, Result


class Attempt:
    """Opens the processor, makes the link, reports the outcome to operators, and returns it to the views as a result.

    ``enrollment`` is ``None`` if the site's own hook failed to return one. If it has several targets, the attempt is
    for the first: a failure before the card is known is one failure. ``reference`` comes from an earlier request, or
    from a region that shares it among its targets; leave it empty for a new one. ``sent`` is the link that an earlier
    request sent, if this one is about it.
    """

    def __init__(
        self,
        event: Event,
        enrollment: Enrollment | None,
        origin: Origin,
        *,
        side: Side = Side.BACKEND,
        reference: str = "",
        sent: PendingLink | None = None,
    ) -> None:
        self.reference = reference or new_reference()
        self._now = timezone.now()
        self._started = SYSTEM_CLOCK.monotonic()
        self._link: ConcessionLink | None = None
        self._sent = sent
        self._enrolled_at = self._now
        self._targets = enrollment.each() if enrollment else []
        enrollment = self._targets[0] if self._targets else None
        self._entry = Entry()
        self._account = _account_of(enrollment)
        self._glance = self._glanced()
        self._report = Report(
            event=event,
            reference=self.reference,
            at=self._now,
            origin=origin,
            enrollment=enrollment,
            processor=self._account.processor.name if isinstance(self._account, Account) else "",
            side=side,
            part=secrets.token_hex(4) if reference else "",
        )

    def processor(self, deadline: Deadline | None = None) -> Processor:
        """The processor for the calls of this request. They share one time budget, which starts now, or the rest of
        ``deadline``. Raises ``ConfigurationError``."""
        return open_processor(
            self.account(),
            parties=[self._report.origin.identity.user_id],
            deadline=deadline,
            glance=self._glance,
            whatever_the_circuit=self._switch is not None and self._switch.is_available,
        )

    def check_switch(self) -> None:
        """Raises ``SwitchedOff`` if an operator has switched enrollment off."""
        if self._switch is not None and not self._switch.is_available:
            raise SwitchedOff("switched off by an operator")

    @cached_property
    def _switch(self) -> Availability | None:
        return switch_of(self._report.enrollment, self._glance) if self._report.enrollment else None

    def _glanced(self) -> Glance | None:
        if not isinstance(self._account, Account):
            return None
        glance = glance_at(self._account)
        glance.include(causes.kept_at(self._account.name))
        return glance

    def account(self) -> Account:
        """Raises ``ConfigurationError`` if the enrollment's account is not set up."""
        if isinstance(self._account, Account):
            return self._account
        raise self._account

    def link(
        self,
        processor: Processor,
        funding_source: FundingSource,
        lost: PendingLink | None,
        *,
        known_as: str = "",
        proof: str = "",
    ) -> Result:
        """Link the card to the benefit's group. Raises what ``ConcessionLink.make`` raises.

        If this checks a lost link, ``known_as`` is the reference that the rider knows for it, and the link keeps its
        proof. Otherwise ``proof`` may enroll only so many cards, if the site limits them.
        """
        assert self._report.enrollment is not None
        enrollment = self._report.enrollment
        wanted = PendingLink(
            account=enrollment.account,
            group_id=enrollment.group_id,
            funding_source=funding_source,
            expires_at=enrollment.expiry.expires_at(self._now) if enrollment.expiry else None,
            sent_at=self._now.timestamp(),
            proof=proof if enrollment.cards else lost.proof if lost else "",
        )
        if enrollment.cards and not card_limit.take(wanted, enrollment.cards):
            return Result(Outcome.NO_MORE_CARDS, "no_more_cards", self.reference)
        self._sent = wanted
        claim = self._claim(wanted, processor)
        self._entry = get_journal().open(wanted, replace(self._report, reference=known_as or self.reference))
        self._link = ConcessionLink(processor, wanted, enrollment.expiry, claim, now=self._now, lost=lost)
        try:
            linked = self._link.make()
        except ReenrollmentTooEarly as too_early:
            told = claim.told()
            if told is None:
                raise
            self._entry.drop()
            linked = Linked("linked", too_early.expires_at)
            return self._linked(linked, funding_source, told.reference, is_new=False)
        self._enrolled_at = _moment(self._link.wanted.sent_at)
        return self._succeed(linked, funding_source, claim)

    def settle(self, processor: Processor, lost: PendingLink, entry: Entry) -> Result | None:
        """Asks the processor about a lost link, which is ``entry`` in the journal, and sends no link. Returns ``None``
        if the link does not exist or has another expiry. Raises ``ProcessorError``."""
        with at(Stage.GROUPS):
            link = processor.find_link(lost.funding_source, lost.group_id)
        if link is None or not is_same_expiry(link.expires_at, lost.expires_at):
            return None
        self._entry, self._enrolled_at = entry, _moment(lost.sent_at)
        linked = Linked("linked", link.expires_at)
        return self._succeed(linked, lost.funding_source, self._claim(lost, processor), may_be_told=True)

    def finish(self, processor: Processor, wanted: PendingLink, entry: Entry) -> Result:
        """Makes a link that a rider was promised, which is ``entry`` in the journal. Asks first, and links only if the
        card is not in the group. Raises what ``ConcessionLink.make`` raises."""
        assert self._report.enrollment is not None
        claim = self._claim(wanted, processor)
        policy = self._report.enrollment.expiry
        linked = ConcessionLink(processor, wanted, policy, claim, now=self._now, reads_first=True).make()
        self._entry = entry
        return self._succeed(linked, wanted.funding_source, claim, may_be_told=True)

    def _claim(self, link: PendingLink, processor: Processor) -> LinkClaim:
        settings = conf.get_settings()
        return LinkClaim(
            link,
            rider=self._report.origin.identity.user_id,
            cache=settings.CACHE,
            quiet=settings.LINK_QUIET_TIME,
            clock=processor.http.clock,
        )

    @property
    def wanted(self) -> PendingLink | None:
        """The link that this attempt last asked for, or ``None`` if it did not get that far."""
        return self._link.wanted if self._link else None

    def note(self, **findings: Any) -> None:
        """Report something at the card form that is not an outcome."""
        self._dispatch(stage=Stage.CARD_FORM, **findings)

    def fail(self, error: Exception, stage: Stage, *, before_the_card: Sequence[PendingLink] | None = None) -> Result:
        """Classify and report the error, and return the result. ``stage`` is for an error without one.

        Pass ``before_the_card`` while the card is not known: the lost links that the rider's browser knows. If one of
        them, or one that the journal knows, may still take effect, the result cannot say that the card is not enrolled.
        """
        pending = self.wanted or self._may_be_made(before_the_card)
        if pending is not None and self._link is None:
            error = LinkAnswerLost(None, error if isinstance(error, ProcessorError) else None)
        status = route = expires_at = opens_at = None
        if isinstance(error, EnrollmentError):
            stage, status, route = error.stage or stage, error.status, error.route
        if isinstance(error, ReenrollmentTooEarly):
            expires_at, opens_at = error.expires_at, error.reenrollment_opens_at
        verdict = classify(error, processor=self._report.processor, stage=stage, site_rules=_site_rules())
        finishing = ""
        if not isinstance(error, LinkAnswerLost):
            finishing = self._finished_later(verdict.outcome)
            if not finishing:
                self._entry.drop()
        if finishing or verdict.outcome is Outcome.UNKNOWN:
            card_limit.hold(self._sent)
        else:
            card_limit.give_back(self._sent)
        self._dispatch(
            status=self._failure_status(verdict.outcome),
            outcome=verdict.outcome,
            code=verdict.code,
            stage=stage,
            upstream_status=status,
            route=route,
            error=error,
        )
        return Result(
            verdict.outcome,
            verdict.code,
            self.reference,
            expires_at=expires_at,
            reenrollment_opens_at=opens_at,
            pending=pending if verdict.outcome is Outcome.UNKNOWN else None,
            finishing=finishing,
        )

    def _finished_later(self, outcome: Outcome) -> str:
        """The name of a promise to link the card later, if the site allows it, the card is known, and only the
        processor failed. A region gets no promise, because its page offers to try again."""
        until = self._report.enrollment.finish_until if self._report.enrollment else None
        if until is None or outcome is not Outcome.SYSTEM_ERROR or self._link is None or self._report.part:
            return ""
        return self._entry.finish_later(until, self._report)

    def _succeed(
        self, linked: Linked, funding_source: FundingSource, claim: LinkClaim, *, may_be_told: bool = False
    ) -> Result:
        """A second click, or a second tab that asks for the same lost link, gets the same success, reported only once.

        With ``may_be_told``, a success already told under this same reference is reported again, because the process
        that told it may have died before it was counted.
        """
        report = self._found(
            status="success",
            outcome=Outcome.SUCCESS,
            code=linked.code,
            stage=Stage.LINK,
            expires_at=linked.expires_at,
            card_scheme=funding_source.scheme,
            card_category=funding_source.category,
        )
        # The journal comes first: it must know the link by its reference before anyone sees that reference, even if
        # this process dies in between.
        told_before = self._entry.told_before(report)
        if told_before is not None:
            claim.free()
            return self._linked(linked, funding_source, told_before, is_new=False)
        told = claim.tell(self.reference)
        if told is not None and not (may_be_told and told.reference == self.reference):
            self._entry.drop()
            return self._linked(linked, funding_source, told.reference, is_new=False)
        told_before = self._entry.linked(report)
        if told_before is not None:
            return self._linked(linked, funding_source, told_before, is_new=False)
        dispatch(replace(report, kept_as=self._entry.kept_as), self._glance)
        return self._linked(linked, funding_source, self.reference)

    def _linked(self, linked: Linked, funding_source: FundingSource, reference: str, *, is_new: bool = True) -> Result:
        card_limit.fill(self._sent)
        return Result(
            Outcome.SUCCESS,
            linked.code,
            reference,
            enrolled_at=self._enrolled_at,
            expires_at=linked.expires_at,
            is_new=is_new,
            card_scheme=funding_source.scheme,
            card_category=funding_source.category,
            card_last_digits=funding_source.last_digits,
        )

    def _may_be_made(self, known: Sequence[PendingLink] | None) -> PendingLink | None:
        if known is None or not self._targets:
            return None
        lost = [*known, *get_journal().open_links(self._report.origin.identity.user_id)]
        here = [(target.account, target.group_id) for target in self._targets]
        since = self._now.timestamp() - conf.get_settings().LINK_QUIET_TIME
        return next((one for one in lost if (one.account, one.group_id) in here and one.sent_at > since), None)

    def _failure_status(self, outcome: Outcome) -> str:
        if outcome is Outcome.RETRY:
            return "fail" if self._report.event is Event.FINISHED_TOKENIZATION else "retry"
        if outcome is Outcome.UNFINISHED:
            return "cancel"
        return "success" if outcome is Outcome.SUCCESS else "error"

    def _dispatch(self, **findings: Any) -> None:
        dispatch(self._found(**findings), self._glance)

    def _found(self, **findings: Any) -> Report:
        return replace(self._report, seconds=SYSTEM_CLOCK.monotonic() - self._started, **findings)


def _moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, tz=timezone.get_default_timezone())


def _account_of(enrollment: Enrollment | None) -> Account | ConfigurationError:
    """Resolved once per request. An error is returned, to be raised and reported by the code that needs the account."""
    if enrollment is None:
        return ConfigurationError("There is no enrollment, and so no account.")
    try:
        return get_account(enrollment.account)
    except ConfigurationError as error:
        return error


def _site_rules() -> tuple[Rule, ...]:
    try:
        return conf.get_settings().RULES
    except ConfigurationError:
        return ()  # the failure being reported is that the settings cannot be read
