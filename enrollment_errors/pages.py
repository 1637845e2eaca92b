"""The page for each outcome: its name, its HTTP status, and its texts for the page's script and for operators."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from .outcomes import Outcome


@dataclass(frozen=True, kw_only=True)
class Page:
    """``name`` is the name of the template and, with dashes, of the URL. ``label`` is what operators call the outcome.

    The error envelope has ``title`` and ``detail``, or in person ``staff_title`` and ``staff_detail``; the template
    has its own text. If the rider ``was_refused``, the page needs no reference, because nothing was sent.
    """

    name: str
    label: str
    title: str | Promise = ""
    detail: str | Promise = ""
    staff_title: str | Promise = ""
    staff_detail: str | Promise = ""
    status: int = 200
    was_refused: bool = False

    @property
    def path(self) -> str:
        return f"{self.name.replace('_', '-')}/"


PAGES: dict[Outcome, Page] = {
    Outcome.SUCCESS: Page(name="success", label=gettext_noop("Success")),
    Outcome.RETRY: Page(
        name="check_card",
        label=gettext_noop("Card refused"),
        title=pgettext_lazy("enrollment", "Check your card"),
        detail=_("The details of your card could not be confirmed. You can try again."),
        staff_title=_("Check the card details"),
        staff_detail=_("We could not confirm the rider’s card, so it is not enrolled yet."),
    ),
    # Back to the enroll page, which says why.
    Outcome.UNFINISHED: Page(name="enroll", label=gettext_noop("Not finished")),
    Outcome.TOO_EARLY: Page(
        name="too_early",
        label=gettext_noop("Too early"),
        title=_("You are already enrolled"),
        detail=_("It is too early to enroll this card again."),
        staff_title=_("It is too early to enroll this card again"),
        staff_detail=_("This card already has the reduced fare. There is nothing else to do."),
    ),
    Outcome.UNKNOWN: Page(
        name="still_checking",
        label=gettext_noop("Unknown"),
        title=_("We are still checking"),
        detail=_("We do not know yet whether your card is enrolled."),
        staff_title=_("We are still checking"),
        staff_detail=_(
            "We asked to add the reduced fare to the rider’s card. No answer has come back yet. "
            "The card may already be enrolled."
        ),
    ),
    # For a region whose targets have different outcomes.
    Outcome.PARTIAL: Page(
        name="partial",
        label=gettext_noop("Partly enrolled"),
        title=_("Your enrollment is not finished"),
        detail=_("The page names each transit agency, and whether your card is enrolled there."),
        staff_title=_("The rider’s enrollment is not finished"),
        staff_detail=_("Each transit agency enrolls the card separately."),
    ),
    Outcome.SYSTEM_ERROR: Page(
        name="system_error",
        label=gettext_noop("System error"),
        title=_("Enrollment is not working right now"),
        detail=_("The system that enrolls cards does not answer as it should. Please try again later."),
        staff_title=_("The card cannot be enrolled right now"),
        staff_detail=_(
            "The system that adds reduced fares to cards is not working. The rider’s card is not enrolled yet."
        ),
        status=503,
    ),
    Outcome.SERVER_ERROR: Page(
        name="server_error",
        label=gettext_noop("Server error"),
        title=_("Something went wrong on our side"),
        detail=_("We could not finish your enrollment. Please contact your transit agency."),
        staff_title=_("Something went wrong on our side"),
        staff_detail=_("We could not enroll the rider’s card."),
        status=500,
    ),
    Outcome.NOT_ELIGIBLE: Page(
        name="cannot_enroll",
        label=gettext_noop("Not eligible"),
        title=_("You cannot enroll from here"),
        detail=_("Please start again from the page of your transit agency."),
        staff_title=_("Confirm first that the rider qualifies"),
        staff_detail=_("A card cannot be enrolled from here before the rider has shown that they qualify."),
        status=403,
        was_refused=True,
    ),
    Outcome.CHANGED: Page(
        name="changed",
        label=gettext_noop("Out of date"),
        title=_("This page is out of date"),
        detail=_("This page was made for another benefit or another rider."),
        staff_title=_("This page is out of date"),
        staff_detail=_("Another rider or another benefit may have been started in another tab."),
        status=409,
        was_refused=True,
    ),
    Outcome.NO_MORE_CARDS: Page(
        name="no_more_cards",
        label=gettext_noop("No more cards"),
        title=_("You cannot enroll another card"),
        detail=_("You have reached the number of cards that you can enroll for this benefit."),
        staff_title=_("This rider cannot enroll another card"),
        staff_detail=_("The rider has reached the number of cards that they can enroll for this benefit."),
        status=409,
        was_refused=True,
    ),
    Outcome.TOO_MANY: Page(
        name="too_many",
        label=gettext_noop("Too many tries"),
        title=_("Please wait a minute"),
        detail=_("There were many tries in a short time."),
        staff_title=_("Please wait a minute"),
        staff_detail=_("There were many tries in a short time."),
        status=429,
        was_refused=True,
    ),
}
"""In the order in which charts stack them."""
