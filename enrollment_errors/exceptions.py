"""Everything that can go wrong with an enrollment. This module does not import Django.

::

    ConfigurationError                  the site's settings or adapter are wrong; it names the place and the fix
    └── AccountUnusable                 something is wrong with one account
        └── AccountUnknown              it does not exist
    EnrollmentError
    ├── ProcessorError                  a call to the transit processor failed
    │   ├── TransportError              no complete answer arrived
    │   │   ├── ConnectionFailed        refused, reset, or cut before the end
    │   │   │   ├── NameNotResolved
    │   │   │   └── TlsFailed
    │   │   │       ├── CertificateExpired
    │   │   │       ├── CertificateNotValidYet
    │   │   │       ├── CertificateOfAnotherHost
    │   │   │       └── CertificateUntrusted
    │   │   ├── TimedOut                silence for longer than the connect or read timeout
    │   │   ├── DeadlineExceeded        all calls together took longer than the rider's budget
    │   │   ├── CircuitOpen             not called: the processor is known to be down
    │   │   └── ProcessorBusy           not called: too many calls of this process are in progress
    │   ├── StatusError                 a complete answer with a status other than 2xx
    │   ├── ReplyError                  an answer that cannot be used
    │   │   ├── ReplyBroken             it breaks HTTP, or its body cannot be decoded
    │   │   ├── ReplyNotJson
    │   │   ├── ReplyIncomplete
    │   │   └── TokenTypeUnsupported
    │   └── BaseUrlInvalid
    ├── SwitchedOff                     an operator has switched enrollment off; no call is made
    ├── CardTokenInvalid                refused before any call
    ├── CardRefused                     the card form, or the processor behind it, refused the card's details
    ├── CardFormUnfinished              the rider came back from the processor's site without entering a card
    │   ├── CardFormCancelled           by the rider's own choice
    │   ├── TokenizationExpired         too late: that visit is over, or the processor has deleted it
    │   └── TokenizationRunning         too early: that visit can go on
    ├── CardFormFailed                  the card form failed, in the rider's browser or on the processor's site
    │   ├── CardFormNotLoaded           its script did not load
    │   └── TokenRequestFailed          our own token view did not answer the page
    ├── ReenrollmentTooEarly            linked already, and not yet in the re-enrollment window
    ├── ExpiryNotClearable              the link expires, the benefit does not, and the processor cannot clear it
    ├── LinkNotConfirmed                409 in unknown words, and the card is not in the group
    ├── LinkAnswerLost                  the link may or may not have been made, and asking did not settle it
    ├── LinkNotMade                     the answer was lost, and the processor said later that the link does not exist
    ├── LinkNeverSettled                the answer was lost, and the time for asking ended without a result
    └── LinkNotFinished                 a link that we promised to make later could not be made in time

No message here ever contains a URL, a token or a processor's body, because tracebacks, logs and Sentry show messages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from .outcomes import Stage
    from .secret import Secret

# No digits, because they may be a card's.
_REASON = re.compile(r"[A-Za-z][A-Za-z _-]{0,39}")


class ConfigurationError(Exception):
    """The site's own setup is wrong. It is outside the tree, so that no rule turns it into a processor's failure."""


class AccountUnusable(ConfigurationError):
    """Something is wrong with one account. The others keep working."""


class AccountUnknown(AccountUnusable):
    """The account does not exist."""


class EnrollmentError(Exception):
    """Anything but success that ends an enrollment.

    The code nearest to the call sets ``stage``: if authorization fails during a link, the stage is not the link.
    ``status`` is the HTTP status that we or the rider's browser received. ``route`` is the method and the templated
    path, never the URL. ``seconds`` is how long the call took.
    """

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message or type(self).__name__)
        self.stage: Stage | None = None
        self.status = status
        self.route: str | None = None
        self.seconds: float | None = None


class ProcessorError(EnrollmentError):
    """A call to the transit processor failed.

    ``may_have_taken_effect`` says whether the processor may have carried out the request anyway, and ``may_go_on``
    whether it may still be working on it.
    """

    may_have_taken_effect = False

    @property
    def may_go_on(self) -> bool:
        return self.may_have_taken_effect


class TransportError(ProcessorError):
    """No complete answer arrived. ``may_have_taken_effect`` is false only if the request certainly did not leave."""

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
    """An answer with a ``status`` other than 2xx.

    ``body`` is the beginning of the answer's text, for the table's patterns only: never shown, logged or sent.
    ``retry_after`` is in seconds, if the answer named it.
    """

    status: int

    def __init__(self, status: int, body: Secret, retry_after: float | None = None) -> None:
        super().__init__(f"status {status}", status=status)
        self.body = body
        self.retry_after = retry_after
        # The server may have done the work before it failed.
        self.may_have_taken_effect = status >= 500

    @property
    def may_go_on(self) -> bool:
        """A gateway reports that the server behind it was too slow or cut off, not that the server has stopped."""
        return self.status in (502, 504)


class ReplyError(ProcessorError):
    """An unusable answer: a 2xx, which still says that the processor did what was asked, or one without a readable
    status.
    """

    may_have_taken_effect = True


class ReplyBroken(ReplyError):
    """The answer breaks HTTP, or its body cannot be decoded. It may or may not be a 2xx."""


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
    """``reason`` is the processor's own word for the cause (``verification_failed``), if it gives one. Anything else is
    dropped, because the reason becomes part of the exception's text."""

    def __init__(self, message: str = "the card's details were refused", *, reason: object = None) -> None:
        self.reason = reason if isinstance(reason, str) and _REASON.fullmatch(reason) else None
        super().__init__(f"{message} ({self.reason})" if self.reason else message)


class CardFormUnfinished(EnrollmentError):
    """The rider came back from the processor's site without a card, and can start again."""


class CardFormCancelled(CardFormUnfinished):
    pass


class TokenizationExpired(CardFormUnfinished):
    """The saved visit is dropped, and a new one begins before the rider goes anywhere."""


class TokenizationRunning(CardFormUnfinished):
    """The saved visit stays, and the rider goes to the same address again."""


class CardFormFailed(EnrollmentError):
    """``status`` is the HTTP status that the browser saw, if it saw one."""


class CardFormNotLoaded(CardFormFailed):
    """The card form's script did not load, or does not define the card form."""


class TokenRequestFailed(CardFormFailed):
    """The page got no answer from the token view, or one that is not in our format."""


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
    """``lost`` is the error that lost the answer (``None``: in an earlier request). ``unanswered`` says why asking did
    not settle it (``None``: the processor says that the card is not in the group, but may still be adding it)."""

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
    """``unanswered`` is the error of the last check, or ``None`` if the saved link cannot be read."""

    def __init__(self, unanswered: Exception | None) -> None:
        why = "the saved link cannot be read" if unanswered is None else type(unanswered).__name__
        super().__init__(f"whether the link was made could not be settled ({why})")
        self.__cause__ = unanswered
        if isinstance(unanswered, EnrollmentError):
            self.stage, self.status = unanswered.stage, unanswered.status
            self.route, self.seconds = unanswered.route, unanswered.seconds
