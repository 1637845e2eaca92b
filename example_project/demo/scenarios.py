"""The scenarios to choose from: what goes wrong at the processor, and how the rider's walk ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from example.benefits import FLOWS, Flow

from enrollment_errors.sandbox.cards import TEST_CARDS
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.switchio.gateway import OTHER_WAYS

from .agencies import AGENCIES


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``sees`` is one sentence about the rider. ``card``, ``agency`` and ``benefit`` are what to choose on the way.
    ``way`` is another way back from a processor's own site, instead of a card.

    ``faults`` are the sandbox's, by endpoint. ``conflict`` is its wording when it refuses a link that already exists.
    """

    title: Promise
    sees: Promise
    faults: Mapping[str, Sequence[Fault]] = field(default_factory=dict)
    card: str = "visa"
    way: str = ""
    benefit: str = "older-adult"
    agency: str = "mountain"
    conflict: str = "belongs"

    @property
    def card_name(self) -> str:
        """The sandbox's name for the card."""
        return next(card.name for card in TEST_CARDS if card.key == self.card)

    @property
    def button(self) -> str:
        """The name of the ``way`` on the processor's site; empty for a card."""
        return OTHER_WAYS.get(self.way, "")

    @property
    def processor(self) -> str:
        return next(agency.processor for agency in AGENCIES if agency.slug == self.agency)

    @property
    def flow(self) -> Flow:
        return FLOWS[self.benefit]


# After a lost answer, every attempt to ask what became of it fails, too: one request makes this many.
_ATTEMPTS = 3

SCENARIOS: tuple[tuple[Promise, Mapping[str, Scenario]], ...] = (
    (
        _("The card ends up enrolled"),
        {
            "healthy": Scenario(
                title=_("All is well"),
                sees=_("The card is enrolled, and the success page says so."),
            ),
            "already-enrolled": Scenario(
                title=_("Already enrolled (409)"),
                sees=_(
                    "The processor refuses a second link, and the rider sees the success page: the card has the fare."
                ),
                card="enrolled",
            ),
            "unknown-conflict": Scenario(
                title=_("Already enrolled, in words that nobody knows"),
                sees=_("The site asks the processor whether the card is enrolled; it is, so the rider sees success."),
                card="enrolled",
                conflict="unknown",
            ),
            "answer-lost": Scenario(
                title=_("The answer to the link is lost"),
                sees=_("The connection breaks after the link is made; the site asks, and the rider sees success."),
                faults={"link": [Fault(kind="reset", after_effect=True, times=1)]},
            ),
            "link-breaks-once": Scenario(
                title=_("The link breaks once"),
                sees=_("The processor answers 500; the site asks, links once more, and the rider sees success."),
                faults={"link": [Fault(kind="status", status=500, times=1)]},
            ),
        },
    ),
    (
        _("The processor is in trouble"),
        {
            "down": Scenario(
                title=_("Processor down"),
                sees=_("Nobody answers, so the system-error page comes before the rider enters a card."),
                faults={"*": [Fault(kind="down")]},
            ),
            "error-500": Scenario(
                title=_("Error 500 on the way to the card form"),
                sees=_("The system-error page comes before the rider enters a card."),
                faults={"tokenization": [Fault(kind="status", status=500, body='{"errors": [{"detail": "Oops"}]}')]},
            ),
            "error-503": Scenario(
                title=_("Error 503 on the link"),
                sees=_("The rider enters a card, and then the system-error page says that it is not enrolled yet."),
                faults={
                    "link": [Fault(kind="status", status=503, body="<h1>Unavailable</h1>", content_type="text/html")]
                },
            ),
            "finished-later": Scenario(
                title=_("Error 503 on the link, and we finish it for the rider"),
                sees=_(
                    "The page says that we will finish it, and “enrolled” once settle_enrollments has run: "
                    "start that on the operator’s page."
                ),
                # Both links of a request fail. The processor works by the time the site comes back to it.
                faults={"link": [Fault(kind="status", status=503, times=2)]},
                benefit="agency-card",
            ),
            "hanging": Scenario(
                title=_("The processor hangs"),
                sees=_("The rider waits a few seconds, never minutes, and gets the system-error page."),
                faults={"lookup": [Fault(kind="hang")]},
            ),
            "trickle": Scenario(
                title=_("The answer trickles in, byte by byte"),
                sees=_("The rider waits a few seconds, never minutes, and gets the system-error page."),
                faults={"lookup": [Fault(kind="trickle", seconds=0.5)]},
            ),
            "still-checking": Scenario(
                title=_("The answer to the link is lost, and nobody can be asked"),
                sees=_("The rider sees that the site is still checking; “Check again” finds the card enrolled."),
                faults={
                    "link": [Fault(kind="reset", after_effect=True, times=1)],
                    "groups": [Fault(kind="status", status=503, times=_ATTEMPTS)],
                },
            ),
        },
    ),
    (
        _("Something is wrong on our side"),
        {
            "wrong-credentials": Scenario(
                title=_("Wrong credentials"),
                sees=_("Waiting would not help, so the rider is asked to contact the agency."),
                faults={
                    "authorization": [Fault(kind="status", status=401, body='{"errors": [{"detail": "Unauthorized"}]}')]
                },
            ),
            "no-token": Scenario(
                title=_("Tokenization without a token"),
                sees=_("The processor says yes and forgets the token; the rider is asked to contact the agency."),
                faults={"tokenization": [Fault(kind="missing_fields", fields=("access_token",))]},
            ),
            "gateway-page": Scenario(
                title=_("A gateway’s page on every link"),
                sees=_("HTML comes back. The link may still be at work, so the rider is told that we are checking."),
                faults={"link": [Fault(kind="not_json")]},
            ),
            "conflict-elsewhere": Scenario(
                title=_("A 409 that means something else"),
                sees=_("The site asks, and the card is not enrolled; the rider is asked to contact the agency."),
                faults={"link": [Fault(kind="status", status=409, body='{"errors": [{"detail": "Conflict"}]}')]},
            ),
            "unknown-card": Scenario(
                title=_("A card that the processor does not know"),
                sees=_("The rider is asked to contact the agency."),
                card="unknown",
            ),
            "expiry-not-clearable": Scenario(
                title=_("A link that expires where the benefit does not"),
                sees=_("Somebody has to mend it by hand, so the rider is asked to contact the agency."),
                card="too-early",
            ),
        },
    ),
    (
        _("The card form"),
        {
            "card-refused": Scenario(
                title=_("Card refused"),
                sees=_("The rider is asked to check the card’s details, and can try again."),
                card="refused",
            ),
            "form-not-loaded": Scenario(
                title=_("The card form does not load"),
                sees=_("The system-error page comes instead of a button that does nothing."),
                faults={"card_form_script": [Fault(kind="status", status=503)]},
            ),
            "form-error": Scenario(
                title=_("The card form fails (500)"),
                sees=_("The rider gets the system-error page."),
                card="error-500",
            ),
            "form-error-no-status": Scenario(
                title=_("The card form fails without saying why"),
                sees=_("The rider gets the system-error page."),
                card="error",
            ),
            "form-error-401": Scenario(
                title=_("The card form refuses us (401)"),
                sees=_("The rider is asked to contact the agency."),
                card="error-401",
            ),
        },
    ),
    (
        _("Benefits that expire"),
        {
            "too-early": Scenario(
                title=_("Too early to enroll again"),
                sees=_("The rider sees when the benefit ends, and from which day on to enroll again."),
                card="too-early",
                benefit="low-income",
            ),
            "in-window": Scenario(
                title=_("In the re-enrollment window"),
                sees=_("The benefit is renewed for a year from today, and the success page shows its last day."),
                card="in-window",
                benefit="low-income",
            ),
            "expired": Scenario(
                title=_("Expired"),
                sees=_("The benefit is renewed for a year from today, and the success page shows its last day."),
                card="expired",
                benefit="low-income",
            ),
            "expiry-set": Scenario(
                title=_("Enrolled without an expiry"),
                sees=_("The expiry is set, and the success page shows the last day."),
                card="enrolled",
                benefit="low-income",
            ),
        },
    ),
    (
        _("Another processor: riders enter their card on Switchio’s own site, and come back"),
        {
            "switchio-healthy": Scenario(
                title=_("All is well at Switchio"),
                sees=_("The rider comes back with a card, and the success page says that it is enrolled."),
                agency="desert",
            ),
            "switchio-enrolled": Scenario(
                title=_("Already enrolled at Switchio"),
                sees=_("The site asks before it links; the card has the fare, and the rider sees the success page."),
                agency="desert",
                card="enrolled",
            ),
            "switchio-too-early": Scenario(
                title=_("Too early to enroll again at Switchio"),
                sees=_("The rider sees when the benefit ends, and from which day on to enroll again."),
                agency="desert",
                card="too-early",
                benefit="low-income",
            ),
            "switchio-refused": Scenario(
                title=_("Switchio refuses the card"),
                sees=_("The rider is asked to check the card’s details, and can try again."),
                agency="desert",
                card="refused",
            ),
            "switchio-failed": Scenario(
                title=_("Switchio fails at the card"),
                sees=_("The rider gets the system-error page."),
                agency="desert",
                card="error",
            ),
            "switchio-cancelled": Scenario(
                title=_("The rider cancels at Switchio"),
                sees=_("The rider is back on the enroll page, which says that the card is not enrolled yet."),
                agency="desert",
                way="cancel",
            ),
            "switchio-left": Scenario(
                title=_("The rider comes back too early"),
                sees=_("The enroll page says so, and its button leads to the same visit."),
                agency="desert",
                way="leave",
            ),
            "switchio-expired": Scenario(
                title=_("The visit to Switchio expires"),
                sees=_("The enroll page says so, and its button begins another visit."),
                agency="desert",
                way="expire",
            ),
            "switchio-down": Scenario(
                title=_("Switchio is down"),
                sees=_("The system-error page comes before the rider is sent anywhere."),
                faults={"*": [Fault(kind="down")]},
                agency="desert",
            ),
            "switchio-wrong-secret": Scenario(
                title=_("Switchio does not take our signature"),
                sees=_("Waiting would not help, so the rider is asked to contact the agency."),
                faults={"tokenization": [Fault(kind="status", status=401)]},
                agency="desert",
            ),
            "switchio-still-checking": Scenario(
                title=_("Switchio’s answer to the link is lost, and it cannot be asked"),
                sees=_("The rider sees that the site is still checking; “Check again” finds the card enrolled."),
                faults={
                    "link": [Fault(kind="reset", after_effect=True, times=1)],
                    # It answers before the link, but not after it.
                    "groups": [
                        Fault(kind="delay", seconds=0, times=1),
                        Fault(kind="status", status=503, times=_ATTEMPTS),
                    ],
                },
                agency="desert",
            ),
        },
    ),
    (
        _("One card for the whole region"),
        {
            "regional": Scenario(
                title=_("All agencies enroll the card"),
                sees=_("Two agencies enroll the card at once; the third asks for the card again, on its own site."),
                benefit="regional",
            ),
            "regional-one-fails": Scenario(
                title=_("The second agency is down"),
                sees=_("The page names each agency; “Try again” repeats only the one that failed."),
                faults={
                    "link": [Fault(kind="delay", seconds=0, times=1), Fault(kind="status", status=500, times=2)],
                },
                benefit="regional",
            ),
            "regional-answer-lost": Scenario(
                title=_("The second agency’s answer is lost"),
                sees=_("The page says that one agency is still checking; “Check again” settles only that."),
                faults={
                    "link": [
                        Fault(kind="delay", seconds=0, times=1),
                        Fault(kind="reset", after_effect=True, times=1),
                    ],
                    "groups": [Fault(kind="status", status=503, times=_ATTEMPTS)],
                },
                benefit="regional",
            ),
        },
    ),
)

BY_SLUG = {slug: scenario for _heading, group in SCENARIOS for slug, scenario in group.items()}
