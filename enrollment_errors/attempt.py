"""One request of a rider, for one target, under one reference: it ends in at most one report."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.utils import timezone

from . import conf
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
from .journal import Entry, get_journal
from .linking import ConcessionLink, Linked, at, is_same_expiry
from .opening import open_processor
from .outcomes import Outcome, Side, Stage
from .processors.account import Account
from .processors.base import Processor
from .processors.types import FundingSource
from .references import new_reference
from .reporting.dispatch import dispatch
from .reporting.report import Event, Origin, Report
from .results import PendingLink, Result


class Attempt:
    """Opens the processor, makes the link, and says how it ended: to operators as a report, to the views as a result.

    ``enrollment`` is ``None`` where the site's own hook failed to say who enrolls into what. Of one with several
    targets, it is about the first: a failure before the card is known is one failure. ``reference`` is that of an
    earlier request, or of a region which others report under too; empty for a new one.
    """

    def __init__(
        self,
        event: Event,
        enrollment: Enrollment | None,
        origin: Origin,
        *,
        side: Side = Side.BACKEND,
        reference: str = "",
    ) -> None:
        self.reference = reference or new_reference()
        self._now = timezone.now()
        self._started = SYSTEM_CLOCK.monotonic()
        self._link: ConcessionLink | None = None
        self._targets = enrollment.each() if enrollment else []
        enrollment = self._targets[0] if self._targets else None
        self._entry = Entry()
        self._account = _account_of(enrollment)
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
        """For the calls of this request, with one budget of time that starts now, or what is left of ``deadline``.
        Raises ``ConfigurationError``."""
        return open_processor(
            self.account(),
            parties=[self._report.origin.identity.user_id],
            deadline=deadline,
            whatever_the_circuit=self._switch is not None and self._switch.is_available,
        )

    def check_switch(self) -> None:
        """Raises ``SwitchedOff`` where an operator wants no enrollment now."""
        if self._switch is not None and not self._switch.is_available:
            raise SwitchedOff("switched off by an operator")

    @cached_property
    def _switch(self) -> Availability | None:
        return switch_of(self._report.enrollment) if self._report.enrollment else None

    def account(self) -> Account:
        """Raises ``ConfigurationError`` where the enrollment's account is not set up."""
        if isinstance(self._account, Account):
            return self._account
        raise self._account

    def link(
        self, processor: Processor, funding_source: FundingSource, lost: PendingLink | None, *, known_as: str = ""
    ) -> Result:
        """Link the card to the benefit's group. Raises what ``ConcessionLink.make`` raises.

        ``known_as`` is the reference under which the rider knows a lost link that is being checked.
        """
        assert self._report.enrollment is not None
        enrollment = self._report.enrollment
        wanted = PendingLink(
            account=enrollment.account,
            group_id=enrollment.group_id,
            funding_source=funding_source,
            expires_at=enrollment.expiry.expires_at(self._now) if enrollment.expiry else None,
            sent_at=self._now.timestamp(),
        )
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
        return self._succeed(linked, funding_source, claim)

    def settle(self, processor: Processor, lost: PendingLink, entry: Entry) -> Result | None:
        """What became of a lost link that is ``entry`` in the journal: asks, and sends nothing. ``None`` where there is
        no such link, or not with the expiry that was wanted. Raises ``ProcessorError``."""
        with at(Stage.GROUPS):
            link = processor.find_link(lost.funding_source, lost.group_id)
        if link is None or not is_same_expiry(link.expires_at, lost.expires_at):
            return None
        self._entry = entry
        linked = Linked("linked", link.expires_at)
        return self._succeed(linked, lost.funding_source, self._claim(lost, processor), may_be_told=True)

    def finish(self, processor: Processor, wanted: PendingLink, entry: Entry) -> Result:
        """Make the link that a rider was promised, and which is ``entry`` in the journal: asks first, and links where
        the card is not in the group. Raises what ``ConcessionLink.make`` raises."""
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
        """The link that was asked for last; ``None`` where it did not come to that."""
        return self._link.wanted if self._link else None

    def note(self, **findings: Any) -> None:
        """Tell of something at the card form that is no outcome."""
        self._dispatch(stage=Stage.CARD_FORM, **findings)

    def fail(self, error: Exception, stage: Stage, *, before_the_card: Sequence[PendingLink] | None = None) -> Result:
        """Classify, report, and say how it ended. ``stage`` is for an error that does not know its own.

        ``before_the_card`` are the lost links that the browser of a rider knows, whose card is not known yet: if one of
        them may still be made, or one that the journal knows, nobody can say that the card is not enrolled.
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
        """The promise to do so, where the site allows it, the card is known, and only the processor is in the way. Of
        a region there is none: its page has its own way to try again."""
        until = self._report.enrollment.finish_until if self._report.enrollment else None
        if until is None or outcome is not Outcome.SYSTEM_ERROR or self._link is None or self._report.part:
            return ""
        return self._entry.finish_later(until, self._report)

    def _succeed(
        self, linked: Linked, funding_source: FundingSource, claim: LinkClaim, *, may_be_told: bool = False
    ) -> Result:
        """A second click, or a second tab that asked for the same lost link, comes to the same success: told once.

        One that ``may_be_told`` under this very reference goes on: its teller may have died before it was counted.
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
        # The journal first: once a reference was told, it must know the link under it, whoever dies in between.
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
        dispatch(replace(report, kept_as=self._entry.kept_as))
        return self._linked(linked, funding_source, self.reference)

    def _linked(self, linked: Linked, funding_source: FundingSource, reference: str, *, is_new: bool = True) -> Result:
        return Result(
            Outcome.SUCCESS,
            linked.code,
            reference,
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
        dispatch(self._found(**findings))

    def _found(self, **findings: Any) -> Report:
        return replace(self._report, seconds=SYSTEM_CLOCK.monotonic() - self._started, **findings)


def _account_of(enrollment: Enrollment | None) -> Account | ConfigurationError:
    """Resolved once a request. What is wrong with it is raised where it is first needed, and so told."""
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
        return ()  # settings that cannot be read are themselves the failure that is being told
