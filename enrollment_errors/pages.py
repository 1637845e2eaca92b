"""The page of each outcome: its name, its HTTP status, and its words for the page's script and for operators."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .outcomes import Outcome


@dataclass(frozen=True, kw_only=True)
class Page:
    """``name`` is that of its template, and of its URL with dashes. ``label`` is what operators call the outcome.

    ``title`` and ``detail`` stand in the error envelope; the page itself has its own words in its template. A page
    where the rider ``was_refused`` needs no reference: nothing was sent.
    """

    name: str
    label: str
    title: str | Promise = ""
    detail: str | Promise = ""
    status: int = 200
    was_refused: bool = False

    @property
    def path(self) -> str:
        return f"{self.name.replace('_', '-')}/"


PAGES: dict[Outcome, Page] = {
    Outcome.SUCCESS: Page(name="success", label="Success"),
    Outcome.RETRY: Page(
        name="check_card",
        label="Card refused",
        title=_("Check your card"),
        detail=_("The details of your card could not be confirmed. You can try again."),
    ),
    # Back to the start, which says why.
    Outcome.UNFINISHED: Page(name="enroll", label="Not finished"),
    Outcome.TOO_EARLY: Page(
        name="too_early",
        label="Too early",
        title=_("You are already enrolled"),
        detail=_("It is too early to enroll this card again."),
    ),
    Outcome.UNKNOWN: Page(
        name="still_checking",
        label="Unknown",
        title=_("We are still checking"),
        detail=_("We do not know yet whether your card is enrolled."),
    ),
    # Of a region, where its targets have not all ended alike.
    Outcome.PARTIAL: Page(
        name="partial",
        label="Partly enrolled",
        title=_("Your enrollment is not finished"),
        detail=_("The page names each transit agency, and whether your card is enrolled there."),
    ),
    Outcome.SYSTEM_ERROR: Page(
        name="system_error",
        label="System error",
        title=_("Enrollment is not working right now"),
        detail=_("The system that enrolls cards does not answer as it should. Please try again later."),
        status=503,
    ),
    Outcome.SERVER_ERROR: Page(
        name="server_error",
        label="Server error",
        title=_("Something went wrong on our side"),
        detail=_("We could not finish your enrollment. Please contact your transit agency."),
        status=500,
    ),
    Outcome.NOT_ELIGIBLE: Page(
        name="cannot_enroll",
        label="Not eligible",
        title=_("You cannot enroll from here"),
        detail=_("Please start again from the page of your transit agency."),
        status=403,
        was_refused=True,
    ),
    Outcome.CHANGED: Page(
        name="changed",
        label="Out of date",
        title=_("This page is out of date"),
        detail=_("This page was made for another benefit or another rider."),
        status=409,
        was_refused=True,
    ),
    Outcome.TOO_MANY: Page(
        name="too_many",
        label="Too many tries",
        title=_("Please wait a minute"),
        detail=_("There were many tries in a short time."),
        status=429,
        was_refused=True,
    ),
}
"""In the order in which charts put them on top of each other."""
