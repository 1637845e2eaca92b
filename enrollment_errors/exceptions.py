"""What can go wrong with an enrollment. No Django here.

::

    ConfigurationError                  the site's settings or adapter are wrong; it names the place and the fix
    └── AccountUnusable                 something is wrong with one account
        └── AccountUnknown              it is not there
    EnrollmentError
    ├── ProcessorError                  something about a call to the transit processor
    │   ├── TransportError              no whole answer came
    │   │   ├── ConnectionFailed        refused, reset, or cut before the end
    │   │   │   ├── NameNotResolved
    │   │   │   └── TlsFailed
    │   │   │       ├── CertificateExpired
    │   │   │       ├── CertificateNotValidYet
    │   │   │       ├── CertificateOfAnotherHost
    │   │   │       └── CertificateUntrusted
    │   │   ├── TimedOut                silence for longer than the connect or read timeout
    │   │   ├── DeadlineExceeded        the whole took longer than the rider's budget
    │   │   ├── CircuitOpen             not called: the processor is known to be down
    │   │   └── ProcessorBusy           not called: too many calls of this process are under way
    │   ├── StatusError                 a whole answer with a status that is not 2xx
    │   ├── ReplyError                  an answer that cannot be used
    │   │   ├── ReplyBroken             it breaks HTTP, or its body cannot be decoded
    │   │   ├── ReplyNotJson
    │   │   ├── ReplyIncomplete
    │   │   └── TokenTypeUnsupported
    │   └── BaseUrlInvalid
    ├── SwitchedOff                     an operator has switched enrollment off; no call is made
    ├── CardTokenInvalid                refused before any call
    ├── CardRefused                     the card form, or the processor behind it, refused the card's details
    ├── CardFormUnfinished              the rider came back from the processor's site, and has entered no card there
    │   ├── CardFormCancelled           by the rider's own choice
    │   ├── TokenizationExpired         too late: that visit is over, or the processor has deleted it
    │   └── TokenizationRunning         too early: that visit can go on
    ├── CardFormFailed                  the card form failed, in the rider's browser or on the processor's site
    │   ├── CardFormNotLoaded           its script did not load
    │   └── TokenRequestFailed          our own token view did not answer the page
    ├── ReenrollmentTooEarly            linked already, and not yet in the re-enrollment window
    ├── ExpiryNotClearable              the link expires, the benefit does not, and the processor cannot clear it
    ├── LinkNotConfirmed                409 with words nobody knows, and the card is not in the group
    ├── LinkAnswerLost                  the link may or may not have been made, and asking did not settle it
    ├── LinkNotMade                     asked later, the processor says that a link whose answer was lost is not there
    ├── LinkNeverSettled                asked for as long as we ask, nobody could say what became of a lost link
    └── LinkNotFinished                 a link that we promised to make later could not be made in time

No message here ever holds a URL, a token or a processor's body, because tracebacks, logs and Sentry show messages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from .outcomes import Stage
    from .secret import Secret

# No digits: one with some may be a card's.
_REASON = re.compile(r"[A-Za-z][A-Za-z _-]{0,39}")


class ConfigurationError(Exception):
    """The site's own set-up is wrong. Stands outside the tree: no rule may turn it into a processor's failure."""


class AccountUnusable(ConfigurationError):
    """Something is wrong with one account. The others go on."""


class AccountUnknown(AccountUnusable):
    """There is no such account."""


class EnrollmentError(Exception):
    """Everything that ends an enrollment other than success.

    ``stage`` is set by whoever knows the step first, nearest to the call (an authorization that fails under a link is
    not the link). ``status`` is the HTTP status that was answered, to us or to the rider's browser. ``route`` is the
    method and the templated path, never the URL. ``seconds`` is how long the call took.
    """

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message or type(self).__name__)
        self.stage: Stage | None = None
        self.status = status
        self.route: str | None = None
        self.seconds: float | None = None


class ProcessorError(EnrollmentError):
    """Something about a call to the transit processor.

    ``may_have_taken_effect`` says whether the processor may have carried the request out all the same, and
    ``may_go_on`` whether it may even be at work on it still.
    """

    may_have_taken_effect = False

    @property
    def may_go_on(self) -> bool:
        return self.may_have_taken_effect


class TransportError(ProcessorError):
    """No whole answer came. ``may_have_taken_effect`` is false only where the request surely did not leave."""

    def __init__(self, message: str = "", *, may_have_taken_effect: bool = False) -> None:
        super().__init__(message)
        self.may_have_taken_effect = may_have_taken_effect


class ConnectionFailed(TransportError):
    pass


class NameNotResolved(ConnectionFailed):
    pass


class TlsFailed(ConnectionFailed):
    pass


class CertificateExpired(TlsFailed):
    pass


class CertificateNotValidYet(TlsFailed):
    pass


class CertificateOfAnotherHost(TlsFailed):
    pass


class CertificateUntrusted(TlsFailed):
    pass


class TimedOut(TransportError):
    pass


class DeadlineExceeded(TransportError):
    pass


class CircuitOpen(TransportError):
    pass


class ProcessorBusy(TransportError):
    pass


class StatusError(ProcessorError):
    """An answer whose ``status`` is not 2xx.

    ``body`` is the beginning of the answer's text, for the table's patterns only: never shown, logged or sent.
    ``retry_after`` is in seconds, where the answer said so.
    """

    status: int

    def __init__(self, status: int, body: Secret, retry_after: float | None = None) -> None:
        super().__init__(f"status {status}", status=status)
        self.body = body
        self.retry_after = retry_after
        # A server that broke may have done the work before it broke.
        self.may_have_taken_effect = status >= 500

    @property
    def may_go_on(self) -> bool:
        """A gateway says that the server behind it was too slow or was cut off, not that it has stopped."""
        return self.status in (502, 504)


class ReplyError(ProcessorError):
    """An answer that cannot be used: a 2xx, with which the processor did say that it did what was asked, or one that
    does not even tell its status.
    """

    may_have_taken_effect = True


class ReplyBroken(ReplyError):
    """It breaks HTTP, or its body cannot be decoded. Whether it was a 2xx is not known."""


class ReplyNotJson(ReplyError):
    pass


class ReplyIncomplete(ReplyError):
    pass


class TokenTypeUnsupported(ReplyError):
    pass


class BaseUrlInvalid(ProcessorError):
    pass


class SwitchedOff(EnrollmentError):
    pass


class CardTokenInvalid(EnrollmentError):
    pass


class CardRefused(EnrollmentError):
    """``reason`` is the processor's own word for why (``verification_failed``), where it gives one. What is no such
    word is dropped, because it may be anything, and ends in the text of the exception."""

    def __init__(self, message: str = "the card's details were refused", *, reason: object = None) -> None:
        self.reason = reason if isinstance(reason, str) and _REASON.fullmatch(reason) else None
        super().__init__(f"{message} ({self.reason})" if self.reason else message)


class CardFormUnfinished(EnrollmentError):
    """The rider is back from the processor's site without a card, and can start again."""


class CardFormCancelled(CardFormUnfinished):
    pass


class TokenizationExpired(CardFormUnfinished):
    """What is kept of that visit is dropped: another one is begun before the rider is sent anywhere."""


class TokenizationRunning(CardFormUnfinished):
    """What is kept of that visit stays: the rider is sent to the same address again."""


class CardFormFailed(EnrollmentError):
    """``status`` is the HTTP status that the browser saw, if it saw one."""


class CardFormNotLoaded(CardFormFailed):
    """The card form's script did not load or does not define what it should."""


class TokenRequestFailed(CardFormFailed):
    """The page could not get an answer, or not one in our own form, from the token view."""


class ReenrollmentTooEarly(EnrollmentError):
    def __init__(self, expires_at: datetime, reenrollment_opens_at: datetime) -> None:
        super().__init__("enrolled already, and the re-enrollment window is not open yet")
        self.expires_at = expires_at
        self.reenrollment_opens_at = reenrollment_opens_at


class ExpiryNotClearable(EnrollmentError):
    pass


class LinkNotConfirmed(EnrollmentError):
    pass


class LinkAnswerLost(EnrollmentError):
    """``lost`` is how the answer to the link was lost (``None``: in an earlier request), ``unanswered`` why asking did
    not settle it (``None``: the processor says that the card is not in the group, and may still be at work on it)."""

    def __init__(self, lost: ProcessorError | None, unanswered: ProcessorError | None) -> None:
        how = "in an earlier request" if lost is None else type(lost).__name__
        asked = "the card is not in the group yet" if unanswered is None else type(unanswered).__name__
        super().__init__(f"the answer to the link was lost ({how}); asking did not settle it ({asked})")
        reason = lost or unanswered
        if reason is not None:
            self.stage, self.status = reason.stage, reason.status
            self.route, self.seconds = reason.route, reason.seconds


class LinkNotMade(EnrollmentError):
    pass


class LinkNotFinished(EnrollmentError):
    pass


class LinkNeverSettled(EnrollmentError):
    """``unanswered`` is why nobody could say, the last time; ``None`` where what was kept cannot be read."""

    def __init__(self, unanswered: Exception | None) -> None:
        why = "what was kept of it cannot be read" if unanswered is None else type(unanswered).__name__
        super().__init__(f"nobody could say what became of the link ({why})")
        self.__cause__ = unanswered
        if isinstance(unanswered, EnrollmentError):
            self.stage, self.status = unanswered.stage, unanswered.status
            self.route, self.seconds = unanswered.route, unanswered.seconds
