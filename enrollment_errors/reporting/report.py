"""The report of one event, the same for every sink."""

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
    """The request in which something happened, without anything that identifies the rider.

    ``path`` is the path of our own page, without the query. ``language`` is the page's language code. ``referrer`` is
    as the browser sent it; send it on only without its query. ``verified_by`` is the id of the staff member who enrolls
    in person (``staff``), empty in self-service.
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

    ``outcome`` is ``None`` if the event is not an outcome (the rider opened or cancelled the card form). ``status`` is
    Amplitude's own property: ``success``, ``error``, ``retry``, ``fail`` or ``cancel``. ``upstream_status`` is the
    processor's HTTP status. ``expires_at`` (aware) is when the new link expires, if it does. ``seconds`` is how long
    the service took. ``error`` is the exception, with its traceback. ``processor`` is the processor's name
    (``littlepay``), ``account`` the site's name for the account. If the site's own hook failed to say who enrolls into
    what, both are empty, and ``enrollment`` is ``None``. ``part`` distinguishes reports under one reference: those of a
    region, which has several targets and may try again. ``sentry_event_id`` is set for the sinks after Sentry's if
    Sentry accepted an event. ``counted_only``: there were too many within a minute (``budgets``). ``is_known``:
    operators were told about its cause within the hour (``causes``). ``failures`` counts the failures with that cause
    so far, and ``riders`` the riders they affected, this one included.
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
        """Whether to send it to other services. Back-end reports always are; a browser could send any number."""
        return not (self.counted_only and self.side is Side.FRONTEND)
