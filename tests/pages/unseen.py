"""Messages that no picture shows, and where people meet them instead."""

from __future__ import annotations

from . import catalogs

_OF_THE_ENVELOPE = "enrollment_errors/pages.py"
_IN_AN_ENVELOPE = "The JSON answer to the page's script"
_ELSEWHERE = {
    "What a command prints": ("There is no such account. There are: %(names)s.",),
    "A date format, not a text": ("M j",),
    "The name of a success or of a refusal: it is in the catalog with the others, and no page lists it": (
        "Expiry set",
        "Renewed",
        "Expiry cleared",
        "Partly enrolled",
        "Out of date",
    ),
    "The list of accounts, after an account was added": (
        "The account %(name)s was added, and is not in use yet. Fill in what it needs.",
    ),
    "The form of an account, if the processor's own check fails": ("It cannot be used: %(error)s at %(place)s.",),
    "The test of an account, if it fails": ("not tried", "The options of this account are %(options)s."),
    "The overview, if nothing is wrong": ("Nothing that is known.",),
    "The overview, after several riders in a row failed": (
        "Group %(group)s: %(count)s riders in a row failed, and none succeeded since: %(meaning)s",
        "%(count)s riders in a row failed, and none succeeded since: %(meaning)s",
    ),
    "The overview, during an outage and after it": (
        "circuit <strong>closed</strong>, calls go on since %(since)s",
        "circuit <strong>open</strong> since %(since)s, because so many calls failed.",
        "circuit <strong>half open</strong>: it opened at %(since)s",
        "circuit <strong>unknown</strong>: the cache does not answer.",
    ),
    "The overview, if the operator's time zone is not the site's": ("Days begin at midnight in %(zone)s.",),
    "The list of incidents, if there are more than 10,000": ("These are the newest %(most)s.",),
    "An incident, on a site that does not settle lost answers": (
        "“Enrollment is not working at the moment, and it is not because of you or your card. You were not charged. "
        "Please try again later.”",
    ),
    "The removal of a card whose benefit expires": ("The processor says that the card is in this group until",),
    "The removal of a card, while it is being enrolled": ("Nothing was changed: an enrollment of this card",),
    "The removal of a card, if the processor cannot be asked or the account cannot be used": (
        "Nothing was changed: the processor cannot be asked.",
        "Nothing was changed.",
    ),
    "A sent link, after an operator had the processor asked": (
        "The card is in the group: the rider is enrolled.",
        "The card is not in the group, and nothing is at work any more.",
        "It is not known, and it is too late to ask again: ask the processor yourself.",
        "It is not known yet. It will be asked about again by itself.",
    ),
}
"""Texts of operators, or how they begin, by where they are."""


def where(entry: catalogs.Entry) -> str:
    """Where people meet the message, in plain words; empty if a picture has to show it."""
    if not entry.sources:
        return "The name of a month, in a date"
    if not catalogs.is_for_operators(entry):
        return _IN_AN_ENVELOPE if entry.sources == (_OF_THE_ENVELOPE,) else ""
    return next((place for place, texts in _ELSEWHERE.items() if entry.message.startswith(texts)), "")
