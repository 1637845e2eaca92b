"""One rider's request to the transit processor: call, classify, report, and say how it ended.

The views give the enrollment, the visit and what the rider brought; each function returns a ``Result`` and never raises
for anything that a processor, a network or a rider can do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any

from django.utils import timezone

from . import conf
from .catalogue import explained
from .classification import Rule, classify
from .exceptions import (
    CardFormFailed,
    CardFormNotLoaded,
    CardRefused,
    CardTokenInvalid,
    ConfigurationError,
    EnrollmentError,
    TokenRequestFailed,
)
from .host import Enrollment
from .linking import ConcessionLink, Linked, at
from .outcomes import Outcome, PendingLink, Result, Side, Stage
from .processors.base import FundingSource, Processor
from .processors.opening import open_processor
from .redaction import Secret
from .references import new_reference
from .reporting.dispatch import dispatch
from .reporting.report import Event, Report, Visit
from .transport.clock import SYSTEM_CLOCK

_LONGEST_CARD_TOKEN = 512


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


def request_tokenization(enrollment: Enrollment, visit: Visit, *, return_url: str) -> Result:
    """Access to card tokenization. The result carries it as ``tokenization`` where the outcome is ``SUCCESS``.

    ``return_url`` is absolute: where a processor with a redirect flow brings the rider back.
    """
    attempt = _Attempt(Event.FAILED_PRETOKENIZATION, enrollment, visit)
    try:
        processor = open_processor(enrollment.processor)
        with at(Stage.TOKENIZATION):
            tokenization = processor.request_tokenization(return_url)
    except Exception as error:  # noqa: BLE001  closed by default: what the table does not know is a server error
        return attempt.fail(error, Stage.TOKENIZATION)
    # No report: having access is no end of anything, and brings the rider to the card form.
    return Result(Outcome.SUCCESS, "tokenization_access", attempt.reference, tokenization=tokenization)


def enroll(
    enrollment: Enrollment,
    visit: Visit,
    *,
    card_token: Secret,
    handle: Secret | None = None,
    pending: PendingLink | None = None,
) -> Result:
    """Link the card of ``card_token`` to the concession group.

    For a rider who is back from a redirect flow, ``handle`` is what the processor called the visit, and the processor
    gives the card token. ``pending`` is this rider's link whose answer was lost: with the same card it is settled.
    """
    attempt = _Attempt(Event.RETURNED_ENROLLMENT, enrollment, visit, lost=pending)
    stage = Stage.CARD_FORM
    try:
        if handle is None:
            _check_card_token(card_token)
        processor = open_processor(enrollment.processor)
        if handle is not None:
            with at(Stage.CARD_FORM):
                card_token = processor.redeem(handle)
            _check_card_token(card_token)
        stage = Stage.LOOKUP
        with at(Stage.LOOKUP):
            funding_source = processor.find_funding_source(card_token)
        stage = Stage.LINK
        return attempt.succeed(_linked(attempt, enrollment, processor, funding_source))
    except Exception as error:  # noqa: BLE001  as above
        return attempt.fail(error, stage)


def check_again(enrollment: Enrollment, visit: Visit, pending: PendingLink) -> Result:
    """Settle a link whose answer was lost: ask, and only where the processor says that it is absent, link."""
    attempt = _Attempt(Event.RETURNED_ENROLLMENT, enrollment, visit, lost=pending)
    try:
        processor = open_processor(enrollment.processor)
        return attempt.succeed(_linked(attempt, enrollment, processor, pending.funding_source))
    except Exception as error:  # noqa: BLE001  as above
        return attempt.fail(error, Stage.LINK)


def _linked(attempt: _Attempt, enrollment: Enrollment, processor: Processor, funding_source: FundingSource) -> Linked:
    """Ask about the lost link, if it is of this card; where there is none, or it was not made, link."""
    if attempt.lost is not None and attempt.lost.is_of(funding_source):
        attempt.pending = attempt.lost
        settled = ConcessionLink(processor, attempt.lost, enrollment.expiry, now=attempt.now).settle()
        if settled is not None:
            return settled
    attempt.pending = PendingLink(
        account=enrollment.processor,
        group_id=enrollment.group_id,
        funding_source=funding_source,
        expires_at=enrollment.expiry.expires_at(attempt.now) if enrollment.expiry else None,
    )
    return ConcessionLink(processor, attempt.pending, enrollment.expiry, now=attempt.now).make()


def card_form_event(
    enrollment: Enrollment, visit: Visit, event: CardFormEvent, *, status: int | None = None
) -> Result | None:
    """What the page's script says of the card form; ``None`` where the rider simply stays on the page.

    ``status`` is the HTTP status that the browser saw, where it saw one.
    """
    name = _AMPLITUDE_EVENTS.get(event, Event.FINISHED_TOKENIZATION)
    attempt = _Attempt(name, enrollment, visit, side=Side.FRONTEND)
    if event in _CARD_FORM_ERRORS:
        stage, error = _CARD_FORM_ERRORS[event]
        result = attempt.fail(error(status), stage)
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
    if len(card_token.reveal()) > _LONGEST_CARD_TOKEN:
        raise CardTokenInvalid("the card token is too long")
    if not card_token.reveal().isprintable() or card_token.reveal().strip(". ") == "":
        raise CardTokenInvalid("the card token has characters that no token has")


class _Attempt:
    """One request of a rider, under one reference, that ends in at most one report.

    ``lost`` is the rider's link from an earlier request whose answer was lost.
    """

    def __init__(
        self,
        event: Event,
        enrollment: Enrollment | None,
        visit: Visit,
        *,
        side: Side = Side.BACKEND,
        lost: PendingLink | None = None,
    ) -> None:
        self.reference = new_reference()
        self.now = timezone.now()
        self.pending: PendingLink | None = None
        self.lost = lost
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

    def succeed(self, linked: Linked) -> Result:
        assert self.pending is not None
        self._dispatch(
            status="success",
            outcome=Outcome.SUCCESS,
            code=linked.code,
            stage=Stage.LINK,
            card_scheme=self.pending.funding_source.scheme,
            card_category=self.pending.funding_source.category,
        )
        return Result(
            Outcome.SUCCESS,
            linked.code,
            self.reference,
            expires_at=linked.expires_at,
            pending=self._still_lost(Outcome.SUCCESS),
        )

    def note(self, **findings: Any) -> None:
        """Tell of something at the card form that is no outcome."""
        self._dispatch(stage=Stage.CARD_FORM, **findings)

    def fail(self, error: Exception, stage: Stage) -> Result:
        """Classify, report, and say how it ended. ``stage`` is for an error that does not know its own."""
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
            pending=self._still_lost(verdict.outcome),
        )

    def _still_lost(self, outcome: Outcome) -> PendingLink | None:
        """This request's own link, or the earlier one where that is of another card, or no card has come this time."""
        if self.pending is None:
            return self.lost
        if outcome is Outcome.UNKNOWN:
            return self.pending
        return None if self.lost is None or self.lost.is_of(self.pending.funding_source) else self.lost

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
        return conf.get_account(enrollment.processor).processor.name
    except ConfigurationError:
        return ""  # opening the processor fails with the same error, and that is what is told


def _card_tokenize_url(enrollment: Enrollment, language: str) -> str | None:
    """The address of the hosted card form's script; ``None`` for a redirect flow."""
    account = conf.get_account(enrollment.processor)
    script = account.processor.card_form_script(account.options, language)
    return None if script is None else script.url


def _site_rules() -> tuple[Rule, ...]:
    try:
        return conf.get_settings().RULES
    except ConfigurationError:
        return ()  # settings that cannot be read are themselves the failure that is being told
