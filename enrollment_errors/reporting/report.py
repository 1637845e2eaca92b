"""What is told of one event, to every sink alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ..adapter import Enrollment, Identity
from ..catalogue import explained
from ..outcomes import Outcome, Side, Stage


class Event(str, Enum):
    """The names that transit-benefit sites already chart in Amplitude."""

    RETURNED_ENROLLMENT = "returned enrollment"
    FAILED_PRETOKENIZATION = "failed pre-tokenization request"
    STARTED_TOKENIZATION = "started card tokenization"
    FINISHED_TOKENIZATION = "finished card tokenization"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The request in which something happened, without anything that tells who the rider is.

    ``path`` is the path of our own page, without the query. ``language`` is the page's language code. ``referrer`` is
    as the browser sent it: only its address without the query may be sent on. ``verified_by`` is the id of the staff
    member who enrolls in person (``staff``), empty in self-service.
    """

    path: str
    language: str
    identity: Identity
    referrer: str = ""
    user_agent: str = ""
    verified_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One event, under one reference.

    ``outcome`` is ``None`` for what is no outcome (the rider opened or cancelled the card form). ``status`` is
    Amplitude's own property: ``success``, ``error``, ``retry``, ``fail`` or ``cancel``. ``upstream_status`` is the HTTP
    status that the processor answered. ``expires_at`` (aware) is when a link that was made expires, if it does.
    ``seconds`` is how long the service took. ``error`` is what was raised, with its
    traceback. ``processor`` is the processor's name (``littlepay``), ``account`` the site's name for the account; both
    are empty, and ``enrollment`` is ``None``, where the site's own hook failed to say who enrolls into what.
    ``part`` tells reports under one reference apart: those of a region, which has several targets and may try again.
    ``sentry_event_id`` is there for the sinks after Sentry's, where Sentry took an event. ``counted_only``: there have
    been too many within a minute (``budgets``). ``is_known``: operators have heard of its cause within the hour
    (``causes``). ``failures`` of that cause have met ``riders`` so far, this one among them.
    """

    event: Event
    reference: str
    at: datetime
    origin: Origin
    enrollment: Enrollment | None
    processor: str
    side: Side
    part: str = ""
    status: str = ""
    outcome: Outcome | None = None
    code: str = ""
    stage: Stage | None = None
    upstream_status: int | None = None
    route: str | None = None
    expires_at: datetime | None = None
    seconds: float | None = None
    error: BaseException | None = field(default=None, repr=False)
    card_scheme: str | None = None
    card_category: str | None = None
    card_tokenize_url: str | None = None
    card_tokenize_func: str | None = None
    sentry_event_id: str | None = None
    counted_only: bool = False
    is_known: bool = False
    failures: int = 0
    riders: int = 0
    kept_as: str = ""

    @property
    def account(self) -> str:
        return self.enrollment.account if self.enrollment else ""

    @property
    def verified_by(self) -> str:
        return self.origin.verified_by

    @property
    def is_fault(self) -> bool:
        code = explained(self.code)
        return self.outcome is not None and (self.outcome.is_fault or code.is_odd) and not code.is_meant

    @property
    def is_an_event(self) -> bool:
        """Whether other services hear of it. A browser can tell as much as it likes; what the back end saw is told."""
        return not (self.counted_only and self.side is Side.FRONTEND)
