"""What operators read in place of the names that the code and the database have."""

from __future__ import annotations

from ..adapter import Method
from ..outcomes import Side, Stage

_CAPITALS = {"csrf": "CSRF", "json": "JSON", "tls": "TLS", "url": "URL"}

STEPS = {
    Stage.SITE.value: "before any call",
    Stage.AUTHORIZATION.value: "signing in to the processor",
    Stage.TOKENIZATION.value: "getting access to the card form",
    Stage.CARD_FORM.value: "card form",
    Stage.LOOKUP.value: "looking up the card",
    Stage.LINK.value: "linking the card",
    Stage.GROUPS.value: "asking for the card’s groups",
    Stage.EXPIRY.value: "changing the expiry",
}
METHODS = {Method.SELF_SERVICE.value: "self-service", Method.IN_PERSON.value: "in person"}
SIDES = {Side.BACKEND.value: "the server", Side.FRONTEND.value: "the rider’s browser"}


def code_words(code: str) -> str:
    """``processor_tls_failed``: "Processor TLS failed". A code of the site's own rules as well."""
    first, *others = (_CAPITALS.get(word, word) for word in code.split("_"))
    return " ".join([first[:1].upper() + first[1:], *others])


def step_words(stage: str) -> str:
    return STEPS.get(stage, stage)


def method_words(method: str) -> str:
    return METHODS.get(method, method)
