"""Littlepay's card form: a script that a page loads, and the requests it makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..cards import TEST_CARDS, find_card, tokenize
from ..handler import Reply, Request
from .state import LittlepayState

SCRIPT = "/assets/js/littlepay.min.js"
_CALLBACKS = {"tokenized": "onTokenize", "refused": "onVerificationFailure", "failed": "onError"}


@cache
def script() -> Reply:
    file = Path(__file__).with_name("card_form.js").read_bytes()
    return Reply(200, file, "text/javascript; charset=utf-8", {"Cache-Control": "no-store"})


def reply_to(state: LittlepayState, request: Request) -> Reply:
    """``GET card-form/cards`` lists the cards. ``POST card-form/use?card=key`` says which callback the form must call,
    and with which argument: ``{"callback": "onTokenize", "response": {"token": …}}``. Both need the form's
    authorization.
    """
    if not state.accepts_form_token(request.headers.get("Authorization", "")):
        return Reply.of({"errors": [{"detail": "Unauthorized"}]}, 401)
    if (request.method, request.segments[1:]) == ("GET", ("cards",)):
        return Reply.of([{"key": card.key, "name": card.name} for card in TEST_CARDS])
    card = find_card(request.query.get("card", ""))
    if (request.method, request.segments[1:]) != ("POST", ("use",)) or card is None:
        return Reply.of({"errors": [{"detail": "Not found"}]}, 404)
    response: dict[str, Any] | None = None
    if card.end == "tokenized":
        response = {"token": tokenize(state, card)}
    elif card.status is not None:
        response = {"status": card.status}
    return Reply.of({"callback": _CALLBACKS[card.end], "response": response or {}})
