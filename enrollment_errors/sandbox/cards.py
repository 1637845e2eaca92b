"""The cards that riders choose from in the sandbox, instead of entering a number."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from .state import State, now


@dataclass(frozen=True, kw_only=True)
class TestCard:
    """What happens if a rider chooses the card.

    ``end`` is ``tokenized``, ``refused`` or ``failed``; with ``failed``, a form in the page reports ``status``.
    ``tokenized`` makes a new card each time, which the processor may or may not know. If it is ``enrolled``, it is
    already in all groups, for ``expires_in`` from now if given.
    """

    __test__ = False  # pytest would take it for a test class by its name

    key: str
    name: str
    end: str = "tokenized"
    status: int | None = None
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
    TestCard(key="refused", name="Card details refused", end="refused"),
    TestCard(key="error-500", name="Card form error 500", end="failed", status=500),
    TestCard(key="error-401", name="Card form error 401", end="failed", status=401),
    TestCard(key="error", name="Card form error without a status", end="failed"),
)


def find_card(key: str) -> TestCard | None:
    return next((card for card in TEST_CARDS if card.key == key), None)


def tokenize(state: State, card: TestCard) -> str:
    """Make the card, and return its card token."""
    token = f"sandbox-card-{secrets.token_hex(12)}"
    with state.lock:
        if card.known:
            source = state.add_card(token, card.scheme, card.category)
            for group in state.groups if card.enrolled else ():
                state.link(source, group, None if card.expires_in is None else now() + card.expires_in)
    return token
