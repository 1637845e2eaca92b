"""The terms that the whole app uses for how an enrollment can end, and at which step."""

from __future__ import annotations

from enum import Enum


class Outcome(str, Enum):
    """How a request ended. It decides which page the rider gets."""

    SUCCESS = "success"
    SYSTEM_ERROR = "system_error"
    SERVER_ERROR = "server_error"
    RETRY = "retry"
    UNFINISHED = "unfinished"
    TOO_EARLY = "too_early"
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    NOT_ELIGIBLE = "not_eligible"
    CHANGED = "changed"
    NO_MORE_CARDS = "no_more_cards"
    TOO_MANY = "too_many"

    @property
    def is_fault(self) -> bool:
        """Whether an operator must look at it: an expected refusal is not a fault."""
        return self in (Outcome.SYSTEM_ERROR, Outcome.SERVER_ERROR, Outcome.UNKNOWN)


class Stage(str, Enum):
    """The step at which something happened."""

    SITE = "site"  # the site's own code and settings, before any call
    AUTHORIZATION = "authorization"  # our own API access token
    TOKENIZATION = "tokenization"  # access to card tokenization, for the page
    CARD_FORM = "card_form"  # the processor's card form, in the rider's browser
    LOOKUP = "lookup"  # the funding source of a card token
    LINK = "link"  # adding the funding source to the concession group
    GROUPS = "groups"  # which concession groups the funding source is in
    EXPIRY = "expiry"  # the expiry of an existing link


class Side(str, Enum):
    BACKEND = "backend"
    FRONTEND = "frontend"
