"""One rider's request to the transit processor: call, classify, report, and say how it ended.

The views give the enrollment, the visit and what the rider brought; each function returns a ``Result`` and never raises
for anything that a processor, a network or a rider can do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from django.utils import timezone

from . import conf
from .adapter import Enrollment
from .catalogue import explained
from .claims import LinkClaim
from .classification import Rule, classify
from .encryption import keyed_digest
from .exceptions import (
    CardFormFailed,
    CardFormNotLoaded,
    CardRefused,
    CardTokenInvalid,
    ConfigurationError,
    EnrollmentError,
    LinkAnswerLost,
    ProcessorError,
    ReenrollmentTooEarly,
    TokenRequestFailed,
)
from .linking import ConcessionLink, Linked, at
from .outcomes import Outcome, PendingLink, Result, Side, Stage
from .processors.base import FundingSource, Processor
from .processors.opening import open_processor
from .redaction import Secret
from .references import new_reference
from .reporting.dispatch import dispatch
from .reporting.report import Event, Report, Visit
from .transport.clock import SYSTEM_CLOCK

_CARD_TOKEN = re.compile(r"(?![.]*$)[A-Za-z0-9._~+=:-]{1,512}", re.ASCII)
"""What tokens are made of. Without "/" and "%": some servers decode them before they look for the path."""


class CardFormEvent(str, Enum):
    """What the page's script tells of the card form."""

    STARTED = "started"
    TOKENIZED = "tokenized"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FAILED = "failed"
    FORM_NOT_LOADED = "form_not_loaded"
    TOKEN_FAILED = "token_failed"  # noqa: S105  the name of an event


_CARD_FORM_ERRORS: dict[CardFormEvent, tuple[Stage, Callable[[int | None], EnrollmentError]]] = {
    CardFormEvent.REFUSED: (Stage.CARD_FORM, lambda status: CardRefused("the card form refused the card's details")),
    CardFormEvent.FAILED: (Stage.CARD_FORM, lambda status: CardFormFailed(status=status)),
    CardFormEvent.FORM_NOT_LOADED: (Stage.CARD_FORM, lambda status: CardFormNotLoaded("the script did not load")),
    CardFormEvent.TOKEN_FAILED: (
        Stage.TOKENIZATION,
        lambda status: TokenRequestFailed("the page got no token", status=status),
    ),
}
_AMPLITUDE_EVENTS = {
    CardFormEvent.STARTED: Event.STARTED_TOKENIZATION,
    CardFormEvent.TOKEN_FAILED: Event.FAILED_PRETOKENIZATION,
}


def request_tokenization(
    enrollment: Enrollment, visit: Visit, *, return_url: str, lost: Sequence[PendingLink] = ()
) -> Result:
    """Access to card tokenization. The result carries it as ``tokenization`` where the outcome is ``SUCCESS``.

    ``return_url`` is absolute: where a processor with a redirect flow brings the rider back. ``lost`` are links of this
    browser whose answers were lost: while one may still be made, a failure does not say that no card is enrolled.
    """
    attempt = _Attempt(Event.FAILED_PRETOKENIZATION, enrollment, visit)
    try:
        processor = open_processor(enrollment.account, parties=[visit.identity.user_id])
        with at(Stage.TOKENIZATION):
            tokenization = processor.request_tokenization(return_url)
    except Exception as error:  # noqa: BLE001  closed by default: what the table does not know is a server error
        return attempt.fail(error, Stage.TOKENIZATION, before_the_card=lost)
    # No report: having access is no end of anything, and brings the rider to the card form.
    return Result(Outcome.SUCCESS, "tokenization_access", attempt.reference, tokenization=tokenization)


def enroll(
    enrollment: Enrollment,
    visit: Visit,
    *,
    card_token: Secret,
    handle: Secret | None = None,
    lost: Sequence[PendingLink] = (),
) -> Result:
    """Link the card of ``card_token`` to the concession group.

    For a rider who is back from a redirect flow, ``handle`` is what the processor called the visit, and the processor
    gives the card token. ``lost`` are links of this browser whose answers were lost: with the same card and benefit one
    is settled.
    """
    attempt = _Attempt(Event.RETURNED_ENROLLMENT, enrollment, visit)
    stage = Stage.CARD_FORM
    try:
        if handle is None:
            _check_card_token(card_token)
        processor = open_processor(enrollment.account, parties=[visit.identity.user_id])
        if handle is not None:
            with at(Stage.CARD_FORM):
                card_token = processor.redeem(handle)
            _check_card_token(card_token)
        processor.http.parties.add(keyed_digest("card", card_token.reveal()))
        stage = Stage.LOOKUP
        with at(Stage.LOOKUP):
            funding_source = processor.find_funding_source(card_token)
        stage = Stage.LINK
        same = (enrollment.account, enrollment.group_id, funding_source)
        return attempt.link(processor, funding_source, next((one for one in lost if one.is_same_link(*same)), None))
    except Exception as error:  # noqa: BLE001  as above
        return attempt.fail(error, stage, before_the_card=[] if stage is Stage.LINK else lost)


def check_again(enrollment: Enrollment, visit: Visit, lost: PendingLink, *, reference: str) -> Result:
    """Settle a link whose answer was lost: ask, and only where the processor says that it is absent, and it can be at
    work no longer, link.

    ``reference`` is the one that the lost link was reported under. A check that settles nothing is no new failure: it
    is not reported, and the result has that reference again.
    """
    attempt = _Attempt(Event.RETURNED_ENROLLMENT, enrollment, visit)
    try:
        processor = open_processor(enrollment.account, parties=[visit.identity.user_id])
        return attempt.link(processor, lost.funding_source, lost)
    except LinkAnswerLost:
        return Result(Outcome.UNKNOWN, "link_answer_lost", reference)
    except Exception as error:  # noqa: BLE001  as above
        return attempt.fail(error, Stage.LINK, before_the_card=[lost])


def card_form_event(
    enrollment: Enrollment,
    visit: Visit,
    event: CardFormEvent,
    *,
    status: int | None = None,
    lost: Sequence[PendingLink] = (),
) -> Result | None:
    """What the page's script says of the card form; ``None`` where the rider simply stays on the page.

    ``status`` is the HTTP status that the browser saw, where it saw one. ``lost`` is as for ``request_tokenization``.
    """
    name = _AMPLITUDE_EVENTS.get(event, Event.FINISHED_TOKENIZATION)
    attempt = _Attempt(name, enrollment, visit, side=Side.FRONTEND)
    if event in _CARD_FORM_ERRORS:
        stage, error = _CARD_FORM_ERRORS[event]
        ends_here = event in (CardFormEvent.FAILED, CardFormEvent.FORM_NOT_LOADED)
        result = attempt.fail(error(status), stage, before_the_card=lost if ends_here else ())
        return None if explained(result.code).may_be_the_riders else result
    if event is CardFormEvent.STARTED:
        attempt.note(card_tokenize_url=_card_tokenize_url(enrollment, visit.language))
    else:
        attempt.note(status="success" if event is CardFormEvent.TOKENIZED else "cancel")
    return None


def site_failed(error: Exception, event: Event, enrollment: Enrollment | None, visit: Visit) -> Result:
    """An exception from the site's own code, or from ours around the service: classified and reported like any
    other."""
    return _Attempt(event, enrollment, visit).fail(error, Stage.SITE)


def _check_card_token(card_token: Secret) -> None:
    """Raises ``CardTokenInvalid`` for what no card form gives: nothing of it shall reach the processor."""
    if not card_token:
        raise CardTokenInvalid("no card token")
    if not _CARD_TOKEN.fullmatch(card_token.reveal()):
        raise CardTokenInvalid("the card token is too long, or has characters that no token has")


class _Attempt:
    """One request of a rider, under one reference, that ends in at most one report."""

    def __init__(
        self,
        event: Event,
        enrollment: Enrollment | None,
        visit: Visit,
        *,
        side: Side = Side.BACKEND,
    ) -> None:
        self.reference = new_reference()
        self.now = timezone.now()
        self._link: ConcessionLink | None = None
        self._started = SYSTEM_CLOCK.monotonic()
        self._report = Report(
            event=event,
            reference=self.reference,
            at=self.now,
            visit=visit,
            enrollment=enrollment,
            processor=_processor_name(enrollment),
            side=side,
        )

    def link(self, processor: Processor, funding_source: FundingSource, lost: PendingLink | None) -> Result:
        """Link the card to the benefit's group. Raises what ``ConcessionLink.make`` raises."""
        assert self._report.enrollment is not None
        enrollment, settings = self._report.enrollment, conf.get_settings()
        wanted = PendingLink(
            account=enrollment.account,
            group_id=enrollment.group_id,
            funding_source=funding_source,
            expires_at=enrollment.expiry.expires_at(self.now) if enrollment.expiry else None,
            sent_at=self.now.timestamp(),
        )
        claim = LinkClaim(
            wanted,
            rider=self._report.visit.identity.user_id,
            cache=settings.CACHE,
            quiet=settings.LINK_QUIET_TIME,
            clock=processor.http.clock,
        )
        self._link = ConcessionLink(processor, wanted, enrollment.expiry, claim, now=self.now, lost=lost)
        try:
            linked = self._link.make()
        except ReenrollmentTooEarly as too_early:
            told = claim.told()
            if told is None:
                raise
            return Result(Outcome.SUCCESS, "linked", told.reference, expires_at=too_early.expires_at, is_new=False)
        return self._succeed(linked, funding_source, claim)

    def _succeed(self, linked: Linked, funding_source: FundingSource, claim: LinkClaim) -> Result:
        """A second click, or a second tab that asked for the same lost link, comes to the same success: told once."""
        told = claim.tell(self.reference)
        if told is not None:
            return Result(Outcome.SUCCESS, linked.code, told.reference, expires_at=linked.expires_at, is_new=False)
        self._dispatch(
            status="success",
            outcome=Outcome.SUCCESS,
            code=linked.code,
            stage=Stage.LINK,
            card_scheme=funding_source.scheme,
            card_category=funding_source.category,
        )
        return Result(Outcome.SUCCESS, linked.code, self.reference, expires_at=linked.expires_at)

    def note(self, **findings: Any) -> None:
        """Tell of something at the card form that is no outcome."""
        self._dispatch(stage=Stage.CARD_FORM, **findings)

    def fail(self, error: Exception, stage: Stage, *, before_the_card: Sequence[PendingLink] = ()) -> Result:
        """Classify, report, and say how it ended. ``stage`` is for an error that does not know its own.

        ``before_the_card`` are the lost links of a rider whose card is not known yet: if one of them may still be made,
        nobody can say that the card is not enrolled.
        """
        pending = self._link.wanted if self._link else self._may_be_made(before_the_card)
        if pending is not None and self._link is None:
            error = LinkAnswerLost(None, error if isinstance(error, ProcessorError) else None)
        stage = getattr(error, "stage", None) or stage
        verdict = classify(error, processor=self._report.processor, stage=stage, site_rules=_site_rules())
        self._dispatch(
            status=self._failure_status(verdict.outcome),
            outcome=verdict.outcome,
            code=verdict.code,
            stage=stage,
            upstream_status=getattr(error, "status", None),
            route=getattr(error, "route", None),
            error=error,
        )
        return Result(
            verdict.outcome,
            verdict.code,
            self.reference,
            expires_at=getattr(error, "expires_at", None),
            reenrollment_opens_at=getattr(error, "reenrollment_opens_at", None),
            pending=pending if verdict.outcome is Outcome.UNKNOWN else None,
        )

    def _may_be_made(self, lost: Sequence[PendingLink]) -> PendingLink | None:
        enrollment = self._report.enrollment
        if enrollment is None or not lost:
            return None
        here = (enrollment.account, enrollment.group_id)
        since = self.now.timestamp() - conf.get_settings().LINK_QUIET_TIME
        return next((one for one in lost if (one.account, one.group_id) == here and one.sent_at > since), None)

    def _failure_status(self, outcome: Outcome) -> str:
        if outcome is Outcome.RETRY:
            return "fail" if self._report.event is Event.FINISHED_TOKENIZATION else "retry"
        return "success" if outcome is Outcome.SUCCESS else "error"

    def _dispatch(self, **findings: Any) -> None:
        dispatch(replace(self._report, seconds=SYSTEM_CLOCK.monotonic() - self._started, **findings))


def _processor_name(enrollment: Enrollment | None) -> str:
    if enrollment is None:
        return ""
    try:
        return conf.get_account(enrollment.account).processor.name
    except ConfigurationError:
        return ""  # opening the processor fails with the same error, and that is what is told


def _card_tokenize_url(enrollment: Enrollment, language: str) -> str | None:
    """The address of the hosted card form's script; ``None`` for a redirect flow."""
    account = conf.get_account(enrollment.account)
    script = account.processor.card_form_script(account.options, language)
    return None if script is None else script.url


def _site_rules() -> tuple[Rule, ...]:
    try:
        return conf.get_settings().RULES
    except ConfigurationError:
        return ()  # settings that cannot be read are themselves the failure that is being told
