"""What an operator tells a rider who calls about an incident: whether the card is enrolled, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..outcomes import Outcome


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """``enrolled`` is for the operator; ``tell`` is a text to read out to the rider."""

    enrolled: str | Promise
    tell: str | Promise


_NOT_KNOWN = Briefing(
    enrolled=_("Not known. The incidents with the same reference may say what was found out later."),
    tell=_(
        "“We do not know yet whether your card is enrolled. Please check again on the enrollment page: "
        "that never enrolls a card twice.”"
    ),
)

_OF_AN_OUTCOME = {
    Outcome.SUCCESS.value: Briefing(
        enrolled=_("Yes, as far as the processor says. Follow “what to do” before you promise the reduced fare."),
        tell=_("“Your card is registered, but we want to check that it gets your reduced fare.”"),
    ),
    Outcome.TOO_EARLY.value: Briefing(
        enrolled=_("Yes, from before. This attempt changed nothing."),
        tell=_("“Your card is enrolled already. It is too early to renew it: the page shows from which date you can.”"),
    ),
    Outcome.SYSTEM_ERROR.value: Briefing(
        enrolled=_("Not by this attempt. A card that was enrolled before stays enrolled."),
        tell=_(
            "“Enrollment is not working at the moment, and it is not because of you or your card. "
            "You were not charged. Please try again later.”"
        ),
    ),
    Outcome.SERVER_ERROR.value: Briefing(
        enrolled=_("Not by this attempt. A card that was enrolled before stays enrolled."),
        tell=_(
            "“Something went wrong on our side, and it is not because of you or your card. You were not charged. "
            "We have to fix it before you can enroll.”"
        ),
    ),
    Outcome.RETRY.value: Briefing(
        enrolled=_("Not by this attempt. Nothing is wrong with the site."),
        tell=_(
            "“The card’s details were not accepted. Please check the number, the expiration date and the security "
            "code, and try again.”"
        ),
    ),
    Outcome.UNFINISHED.value: Briefing(
        enrolled=_("Not by this attempt. Nothing is wrong with the site."),
        tell=_("“The card form was not finished. Please open the enrollment page and go on from there.”"),
    ),
}

_OF_A_CODE = {
    "switched_off": Briefing(
        enrolled=_("Not by this attempt. A card that was enrolled before stays enrolled."),
        tell=_(
            "“Enrollment is switched off for now, and it is not because of you or your card. You were not charged. "
            "The page says when you can enroll again.”"
        ),
    ),
    "link_not_finished": Briefing(
        enrolled=_("No. We told the rider that we would finish it, and could not."),
        tell=_(
            "“We told you that we would finish your enrollment, and we could not. It is not because of you or your "
            "card. You were not charged. Please enroll again.”"
        ),
    ),
}

_PERHAPS_PROMISED = Briefing(
    enrolled=_(
        "Not by this attempt. If the page promised the rider that we finish it, the sent link with this reference "
        "has the state."
    ),
    tell=_(
        "“Enrollment is not working at the moment, and it is not because of you or your card. You were not charged. "
        "If your page says that we will finish this for you, we will: that page tells you when your card is enrolled. "
        "If it does not say so, please try again later.”"
    ),
)
"""For a system error, if the site finishes links later. The incident does not say whether the page promised that."""


def briefing(outcome: str, code: str) -> Briefing:
    """The briefing for a code or, without one, for an outcome. An outcome without one says nothing about the card."""
    if code in _OF_A_CODE:
        return _OF_A_CODE[code]
    if outcome == Outcome.SYSTEM_ERROR.value and apps.is_installed("enrollment_errors.settling"):
        return _PERHAPS_PROMISED
    return _OF_AN_OUTCOME.get(outcome, _NOT_KNOWN)
