"""One rider's request to the transit processor: make the call, classify and report errors, and return the result.

The views pass the enrollment, the origin of the request and the rider's input. Each function returns a ``Result``, and
nothing that a processor, a network or a rider does makes it raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from .adapter import Enrollment, Method
from .attempt import Attempt
from .catalogue import explained
from .encryption import keyed_digest
from .exceptions import (
    CardFormFailed,
    CardFormNotLoaded,
    CardRefused,
    CardTokenInvalid,
    EnrollmentError,
    LinkAnswerLost,
    TokenRequestFailed,
)
from .linking import at
from .outcomes import Outcome, Side, Stage
from .processors.account import Account
from .processors.types import CardForm, FundingSource, Redirect, Tokenization, TokenizationRequest
from .reporting.report import Event, Origin
from .results import PendingLink, Result
from .secret import Secret

_CARD_TOKEN = re.compile(r"(?![.]*$)[A-Za-z0-9._~+=:-]{1,512}", re.ASCII)
"""The characters of a token. No "/" or "%", because some servers decode them before they look up the path."""


class CardFormEvent(str, Enum):
    """What the page's script reports about the card form."""

    STARTED = "started"
    TOKENIZED = "tokenized"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FAILED = "failed"
    FORM_NOT_LOADED = "form_not_loaded"
    TOKEN_FAILED = "token_failed"  # noqa: S105  the name of an event


_CARD_FORM_ERRORS: dict[CardFormEvent, tuple[Stage, Callable[[int | None, object], EnrollmentError]]] = {
    CardFormEvent.REFUSED: (
        Stage.CARD_FORM,
        lambda status, reason: CardRefused("the card form refused the card's details", reason=reason),
    ),
    CardFormEvent.FAILED: (
        Stage.CARD_FORM,
        lambda status, reason: CardFormFailed("the card form failed", status=status),
    ),
    CardFormEvent.FORM_NOT_LOADED: (
        Stage.CARD_FORM,
        lambda status, reason: CardFormNotLoaded("the script did not load"),
    ),
    CardFormEvent.TOKEN_FAILED: (
        Stage.TOKENIZATION,
        lambda status, reason: TokenRequestFailed("the page got no token", status=status),
    ),
}
_AMPLITUDE_EVENTS = {
    CardFormEvent.STARTED: Event.STARTED_TOKENIZATION,
    CardFormEvent.TOKEN_FAILED: Event.FAILED_PRETOKENIZATION,
}


def request_tokenization(
    enrollment: Enrollment,
    origin: Origin,
    *,
    return_url: str,
    state: str,
    kept: Redirect | None = None,
    lost: Sequence[PendingLink] = (),
    reference: str = "",
) -> Result:
    """Get access to card tokenization. If the outcome is ``SUCCESS``, it is in the result's ``tokenization``.

    ``return_url`` is the absolute URL to which a redirect flow brings the rider back, with the random ``state``.
    ``kept`` is an earlier redirect for this rider, used again if the processor says that it is still good. ``lost`` are
    this browser's links whose answers were lost: while one may still take effect, a failure does not say that no card
    is enrolled. ``reference`` is that of a region.
    """
    attempt = Attempt(Event.FAILED_PRETOKENIZATION, enrollment, origin, reference=reference)
    try:
        if not enrollment.also:
            attempt.check_switch()
        processor = attempt.processor()
        with at(Stage.TOKENIZATION):
            if kept is not None and processor.is_still_good(kept):
                tokenization: Tokenization = kept
            else:
                asked = tokenization_request(enrollment, origin.language, state=state)
                tokenization = processor.request_tokenization(return_url, asked)
    except Exception as error:  # noqa: BLE001  an error that the table does not list is a server error
        return attempt.fail(error, Stage.TOKENIZATION, before_the_card=lost)
    # No report, because access ends nothing: the rider goes on to the card form.
    return Result(Outcome.SUCCESS, "tokenization_access", attempt.reference, tokenization=tokenization)


class End(NamedTuple):
    """The result for one target. ``funding_source`` is the card, or ``None`` for a failure before the card was known,
    which is one failure for all targets."""

    enrollment: Enrollment
    result: Result
    funding_source: FundingSource | None


def enroll(
    enrollment: Enrollment,
    origin: Origin,
    *,
    card_token: Secret,
    handle: Secret | None = None,
    query: Mapping[str, Secret] = {},
    lost: Sequence[PendingLink] = (),
    reference: str = "",
    proof: str = "",
) -> Iterator[End]:
    """Link the card of ``card_token`` to the concession group of each target in turn. Yields an ``End`` for each as
    soon as it is done.

    If the rider is back from a redirect flow, the processor gives the card token: ``handle`` is its name for the visit
    to its site, and ``query`` is the query that the rider came back with. ``lost`` are this browser's links whose
    answers were lost; one for the same card and benefit is settled. ``reference`` is that of a region. ``proof`` is
    what ``Enrollment.cards`` limits, if the site sets it.
    """
    attempt = Attempt(Event.RETURNED_ENROLLMENT, enrollment, origin, reference=reference)
    targets = enrollment.each()
    stage = Stage.CARD_FORM
    try:
        if not enrollment.also:
            attempt.check_switch()
        if handle is None:
            _check_card_token(card_token)
        processor = attempt.processor()
        if handle is not None:
            with at(Stage.CARD_FORM):
                card_token = processor.redeem(handle, query)
            _check_card_token(card_token)
        processor.http.parties.add(keyed_digest("card", card_token.reveal()))
        stage = Stage.LOOKUP
        with at(Stage.LOOKUP):
            funding_source = processor.find_funding_source(card_token)
    except Exception as error:  # noqa: BLE001  an error that the table does not list is a server error
        result = attempt.fail(error, stage, before_the_card=lost)
        yield from (End(target, result, None) for target in targets)
        return
    for number, target in enumerate(targets):
        same = (target.account, target.group_id, funding_source)
        wanted = next((one for one in lost if one.is_same_link(*same)), None)
        deadline = processor.http.deadline
        if number:
            attempt = Attempt(Event.RETURNED_ENROLLMENT, target, origin, reference=attempt.reference)
        try:
            if enrollment.also:
                attempt.check_switch()
            if number:
                parties = processor.http.parties
                processor = attempt.processor(deadline)
                processor.http.parties.update(parties)
            with deadline.sharing(len(targets) - number):
                result = attempt.link(processor, funding_source, wanted, proof=proof)
        except Exception as error:  # noqa: BLE001  an error that the table does not list is a server error
            result = attempt.fail(error, Stage.LINK)
        yield End(target, result, funding_source)


class Wanted(NamedTuple):
    """One target of a region to try again, with the known card and the lost link, if any."""

    enrollment: Enrollment
    funding_source: FundingSource
    lost: PendingLink | None


def try_again(wanted: Sequence[Wanted], origin: Origin, *, reference: str) -> Iterator[End]:
    """Repeat what failed, and settle what is unknown, in the region of ``reference``. Yields an ``End`` for each as
    soon as it is done. A check that settles nothing is not reported."""
    deadline = None
    for number, (enrollment, funding_source, lost) in enumerate(wanted):
        attempt = Attempt(Event.RETURNED_ENROLLMENT, enrollment, origin, reference=reference)
        try:
            attempt.check_switch()
            processor = attempt.processor(deadline)
            deadline = processor.http.deadline
            with deadline.sharing(len(wanted) - number):
                result = attempt.link(processor, funding_source, lost)
        except Exception as error:  # noqa: BLE001  an error that the table does not list is a server error
            if isinstance(error, LinkAnswerLost) and lost is not None:
                result = Result(Outcome.UNKNOWN, "link_answer_lost", reference, pending=attempt.wanted)
            else:
                result = attempt.fail(error, Stage.LINK, before_the_card=[lost] if lost else None)
        yield End(enrollment, result, funding_source)


def check_again(enrollment: Enrollment, origin: Origin, lost: PendingLink, *, reference: str) -> Result:
    """Settle a link whose answer was lost: ask, and link again only if the processor says that the link does not exist,
    and it can no longer take effect.

    The lost link was reported under ``reference``. A check that settles nothing is not a new failure: it is not
    reported, and the result has the same reference.
    """
    attempt = Attempt(Event.RETURNED_ENROLLMENT, enrollment, origin)
    try:
        processor = attempt.processor()
        return attempt.link(processor, lost.funding_source, lost, known_as=reference)
    except LinkAnswerLost:
        return Result(Outcome.UNKNOWN, "link_answer_lost", reference)
    except Exception as error:  # noqa: BLE001  an error that the table does not list is a server error
        return attempt.fail(error, Stage.LINK, before_the_card=[lost])


def card_form_event(
    enrollment: Enrollment,
    origin: Origin,
    event: CardFormEvent,
    *,
    status: int | None = None,
    reason: object = None,
    lost: Sequence[PendingLink] = (),
    reference: str = "",
) -> Result | None:
    """Handle an event from the page's script about the card form. Returns ``None`` if the rider stays on the page.

    ``status`` is the HTTP status that the browser saw, if any. ``reason`` should be the processor's word for a refusal,
    but may be anything. ``lost`` and ``reference`` are as for ``request_tokenization``.
    """
    name = _AMPLITUDE_EVENTS.get(event, Event.FINISHED_TOKENIZATION)
    attempt = Attempt(name, enrollment, origin, side=Side.FRONTEND, reference=reference)
    if event in _CARD_FORM_ERRORS:
        stage, error = _CARD_FORM_ERRORS[event]
        ends_here = event in (CardFormEvent.FAILED, CardFormEvent.FORM_NOT_LOADED)
        result = attempt.fail(error(status, reason), stage, before_the_card=lost if ends_here else None)
        return None if explained(result.code).may_be_the_riders else result
    if event is CardFormEvent.STARTED:
        form = card_form_of(attempt.account(), enrollment, origin.language)
        # A redirect flow has neither.
        attempt.note(card_tokenize_url=form.script or None, card_tokenize_func=form.function or None)
    else:
        attempt.note(status="success" if event is CardFormEvent.TOKENIZED else "cancel")
    return None


def card_form_of(account: Account, enrollment: Enrollment, language: str) -> CardForm:
    """The card form of the account's processor, for a page in ``language``."""
    return account.processor.card_form(account.options, tokenization_request(enrollment, language))


def tokenization_request(enrollment: Enrollment, language: str, *, state: str = "") -> TokenizationRequest:
    return TokenizationRequest(
        language=language or "en",
        card_schemes=tuple(enrollment.agency.card_schemes),
        is_in_person=enrollment.method is Method.IN_PERSON,
        state=state,
    )


def site_failed(
    error: Exception, event: Event, enrollment: Enrollment | None, origin: Origin, *, reference: str = ""
) -> Result:
    """Classify and report an exception from the site's code, or from ours outside the service, like any other."""
    return Attempt(event, enrollment, origin, reference=reference).fail(error, Stage.SITE)


def _check_card_token(card_token: Secret) -> None:
    """Raises ``CardTokenInvalid`` for a token that no card form gives. The processor must not receive any of it."""
    if not card_token:
        raise CardTokenInvalid("no card token")
    if not _CARD_TOKEN.fullmatch(card_token.reveal()):
        raise CardTokenInvalid("the card token is too long, or has characters that no token has")
