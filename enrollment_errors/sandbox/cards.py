"""The cards that the sandbox's card form offers instead of asking for a number."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from .handler import Reply, Request
from .state import State, now


@dataclass(frozen=True, kw_only=True)
class TestCard:
    """What becomes of a card that is chosen in the form.

    ``callback`` is what the form calls, with ``response``. For ``onTokenize`` it is a new card each time: one that the
    processor knows or not, in all groups already where it is ``enrolled``, and for ``expires_in`` from now if given.
    """

    __test__ = False  # not a test class, whatever pytest makes of its name

    key: str
    name: str
    callback: str = "onTokenize"
    response: Mapping[str, int] | None = None
    scheme: str = "visa"
    category: str | None = "debit"
    enrolled: bool = False
    expires_in: timedelta | None = None
    known: bool = True


TEST_CARDS = (
    TestCard(key="visa", name="Visa debit, enrolls normally"),
    TestCard(key="mastercard", name="Mastercard credit, enrolls normally", scheme="mastercard", category="credit"),
    TestCard(key="enrolled", name="Mastercard, already enrolled", scheme="mastercard", enrolled=True),
    TestCard(
        key="too-early", name="Visa, enrolled for another 180 days", enrolled=True, expires_in=timedelta(days=180)
    ),
    TestCard(key="in-window", name="Visa, enrollment ends in 5 days", enrolled=True, expires_in=timedelta(days=5)),
    TestCard(key="expired", name="Visa, enrollment ended yesterday", enrolled=True, expires_in=timedelta(days=-1)),
    TestCard(key="unknown", name="Visa that the processor does not know", known=False),
    TestCard(key="refused", name="Card details refused", callback="onVerificationFailure"),
    TestCard(key="error-500", name="Card form error 500", callback="onError", response={"status": 500}),
    TestCard(key="error-401", name="Card form error 401", callback="onError", response={"status": 401}),
    TestCard(key="error", name="Card form error without a status", callback="onError"),
)


def tokenize(state: State, card: TestCard) -> str:
    """Make the card, and return its card token."""
    token = f"sandbox-card-{secrets.token_hex(12)}"
    with state.lock:
        if card.known:
            source = state.add_card(token, card.scheme, card.category)
            for group in state.groups if card.enrolled else ():
                state.link(source, group, None if card.expires_in is None else now() + card.expires_in)
    return token


def reply_to(state: State, request: Request) -> Reply:
    """``GET card-form/cards`` lists the cards. ``POST card-form/use?card=key`` says which callback the form has to call
    with what: ``{"callback": "onTokenize", "response": {"token": …}}``. Both need the authorization of the form.
    """
    if not state.accepts_form_token(request.headers.get("Authorization", "")):
        return Reply.of({"errors": [{"detail": "Unauthorized"}]}, 401)
    if (request.method, request.segments[1:]) == ("GET", ("cards",)):
        return Reply.of([{"key": card.key, "name": card.name} for card in TEST_CARDS])
    card = next((card for card in TEST_CARDS if card.key == request.query.get("card")), None)
    if (request.method, request.segments[1:]) != ("POST", ("use",)) or card is None:
        return Reply.of({"errors": [{"detail": "Not found"}]}, 404)
    response = {"token": tokenize(state, card)} if card.callback == "onTokenize" else dict(card.response or {})
    return Reply.of({"callback": card.callback, "response": response})
