"""What a failure means to the rider: one table, for both views, every processor and the page's script. Pure.

The first row that matches decides. A site's own rows (setting ``RULES``) stand before ours. What no row matches is a
server error: closed by default, because a failure that nobody has thought of must reach an operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from . import exceptions
from .outcomes import Outcome, Stage


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A row of the table. What a row leaves out, it does not ask about.

    ``status`` is one HTTP status or an inclusive range ``(500, 599)``. ``body`` is a regular expression, searched
    without regard to case in the first few thousand characters of a processor's answer. ``code`` is a key of
    ``catalogue.CODES``; a site's own row may use a code of its own. ``reason`` says why the row is there, with the
    number of the issue or the document that taught it.
    """

    outcome: Outcome
    code: str
    reason: str
    processor: str | None = None
    stage: Stage | None = None
    exception: type[BaseException] | None = None
    status: int | tuple[int, int] | None = None
    body: str | None = None

    def matches(self, error: BaseException, *, processor: str, stage: Stage | None) -> bool:
        return (
            (self.processor is None or self.processor == processor)
            and (self.stage is None or self.stage is stage)
            and (self.exception is None or isinstance(error, self.exception))
            and (self.status is None or self._matches_status(error))
            and (self.body is None or self._matches_body(error))
        )

    def _matches_status(self, error: BaseException) -> bool:
        if not isinstance(error, exceptions.EnrollmentError) or error.status is None:
            return False
        if isinstance(self.status, tuple):
            return self.status[0] <= error.status <= self.status[1]
        return error.status == self.status

    def _matches_body(self, error: BaseException) -> bool:
        return (
            isinstance(error, exceptions.StatusError)
            and re.search(self.body or "", error.body.reveal(), re.IGNORECASE) is not None
        )


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    code: str


_SUCCESS, _SYSTEM, _SERVER = Outcome.SUCCESS, Outcome.SYSTEM_ERROR, Outcome.SERVER_ERROR

RULES: tuple[Rule, ...] = (
    Rule(
        exception=exceptions.StatusError,
        stage=Stage.LINK,
        status=409,
        outcome=_SUCCESS,
        code="already_linked",
        reason="The card is in the group, which is all that the rider wants. Anywhere else 409 is a 4xx.",
    ),
    Rule(
        exception=exceptions.ReenrollmentTooEarly,
        outcome=Outcome.TOO_EARLY,
        code="reenrollment_too_early",
        reason="Enrolled, not expired, and not in the re-enrollment window: nothing is wrong.",
    ),
    Rule(
        exception=exceptions.CardRefused,
        outcome=Outcome.RETRY,
        code="card_refused",
        reason="The card's details were refused: the rider checks them and tries again.",
    ),
    Rule(
        exception=exceptions.LinkAnswerLost,
        outcome=Outcome.UNKNOWN,
        code="link_answer_lost",
        reason="The link may have been made. Neither success nor failure would be true.",
    ),
    Rule(
        exception=exceptions.CircuitOpen,
        outcome=_SYSTEM,
        code="circuit_open",
        reason="The processor is known to be down: nobody waits for it.",
    ),
    Rule(
        exception=exceptions.ProcessorBusy,
        outcome=_SYSTEM,
        code="processor_busy",
        reason="As many calls as one process may make are waiting already.",
    ),
    Rule(
        exception=exceptions.DeadlineExceeded,
        outcome=_SYSTEM,
        code="deadline_exceeded",
        reason="The rider's whole budget of time is used up.",
    ),
    Rule(exception=exceptions.TimedOut, outcome=_SYSTEM, code="processor_timeout", reason="Silence."),
    Rule(
        exception=exceptions.NameNotResolved,
        outcome=_SYSTEM,
        code="processor_name_not_resolved",
        reason="DNS fails for a while as servers do.",
    ),
    Rule(
        exception=exceptions.CertificateExpired,
        outcome=_SYSTEM,
        code="certificate_expired",
        reason="It is the processor's to renew.",
    ),
    Rule(
        exception=exceptions.CertificateNotValidYet,
        outcome=_SYSTEM,
        code="certificate_not_valid_yet",
        reason="A clock is wrong, ours or theirs.",
    ),
    Rule(
        exception=exceptions.CertificateOfAnotherHost,
        outcome=_SYSTEM,
        code="certificate_of_another_host",
        reason="Something else answers at the processor's address, for a while or because of a typo.",
    ),
    Rule(
        exception=exceptions.CertificateUntrusted,
        outcome=_SYSTEM,
        code="certificate_untrusted",
        reason="Self-signed, an unknown authority, or somebody in between who opens the connection.",
    ),
    Rule(
        exception=exceptions.TlsFailed,
        outcome=_SYSTEM,
        code="processor_tls_failed",
        reason="No secure connection, for another reason than the certificate.",
    ),
    Rule(
        exception=exceptions.ConnectionFailed,
        outcome=_SYSTEM,
        code="processor_unreachable",
        reason="A refused, reset or cut connection is a server that is down, as a 503 is.",
    ),
    Rule(
        exception=exceptions.StatusError,
        status=(500, 599),
        outcome=_SYSTEM,
        code="processor_error",
        reason="The processor says itself that it is broken.",
    ),
    Rule(
        exception=exceptions.StatusError,
        status=401,
        outcome=_SERVER,
        code="credentials_refused",
        reason="Trying later would not help: our credentials or audience are wrong.",
    ),
    Rule(
        exception=exceptions.StatusError,
        status=403,
        outcome=_SERVER,
        code="permission_refused",
        reason="Trying later would not help: our account may not do this.",
    ),
    Rule(
        exception=exceptions.StatusError,
        status=429,
        outcome=_SERVER,
        code="too_many_requests",
        reason="A limit of our account: the operator has to hear of it.",
    ),
    Rule(
        exception=exceptions.StatusError,
        status=(400, 499),
        outcome=_SERVER,
        code="request_refused",
        reason="The processor refuses what we ask, 408 among them: our side.",
    ),
    Rule(
        exception=exceptions.StatusError,
        status=(300, 399),
        outcome=_SERVER,
        code="base_url_redirects",
        reason="An API does not redirect: what is at the base URL is something else. Nobody follows it.",
    ),
    Rule(
        exception=exceptions.TokenTypeUnsupported,
        outcome=_SERVER,
        code="token_type_unsupported",
        reason="A token that we would send in the wrong way.",
    ),
    Rule(
        exception=exceptions.ReplyBroken,
        outcome=_SERVER,
        code="reply_broken",
        reason="An answer came, and it breaks HTTP: no server that is merely down does that.",
    ),
    Rule(
        exception=exceptions.ReplyNotJson,
        outcome=_SERVER,
        code="reply_not_json",
        reason="A gateway's page with 200, or a wrong base URL.",
    ),
    Rule(
        exception=exceptions.ReplyIncomplete,
        outcome=_SERVER,
        code="reply_incomplete",
        reason="JSON without what is needed.",
    ),
    Rule(
        exception=exceptions.BaseUrlInvalid, outcome=_SERVER, code="base_url_invalid", reason="A typo in the settings."
    ),
    Rule(
        exception=exceptions.CardTokenInvalid,
        outcome=_SERVER,
        code="card_token_invalid",
        reason="The page sends what the card form gave it: anything else is a bug or a forgery.",
    ),
    Rule(
        exception=exceptions.ExpiryNotClearable,
        outcome=_SERVER,
        code="expiry_not_clearable",
        reason="The benefit does not expire and the link does: somebody has to mend it by hand.",
    ),
    Rule(
        exception=exceptions.LinkNotConfirmed,
        outcome=_SERVER,
        code="link_not_confirmed",
        reason="409 with unknown words, and the processor answers that the card is not in the group.",
    ),
    Rule(
        exception=exceptions.TokenRequestFailed,
        status=(400, 499),
        outcome=_SERVER,
        code="token_request_refused",
        reason="Something on our side answered in the token view's place.",
    ),
    Rule(
        exception=exceptions.CardFormFailed,
        status=(400, 499),
        outcome=_SERVER,
        code="card_form_refused",
        reason="The card form's error callback with 4xx: our tokenization access is wrong.",
    ),
    Rule(
        exception=exceptions.CardFormNotLoaded,
        outcome=_SYSTEM,
        code="card_form_not_loaded",
        reason="The processor's script did not come: as good as a refused connection.",
    ),
    Rule(
        exception=exceptions.TokenRequestFailed,
        outcome=_SYSTEM,
        code="token_request_failed",
        reason="No answer from our own token view, or not one of ours: the rider's connection, or our server.",
    ),
    Rule(
        exception=exceptions.CardFormFailed,
        outcome=_SYSTEM,
        code="card_form_error",
        reason="The card form's error callback with a status from 500, or with none.",
    ),
    Rule(
        exception=exceptions.ConfigurationError,
        outcome=_SERVER,
        code="configuration_error",
        reason="The site's own set-up; the event's text names the place.",
    ),
)

UNEXPECTED = Verdict(Outcome.SERVER_ERROR, "unexpected_error")


def classify(error: BaseException, *, processor: str, stage: Stage | None, site_rules: Iterable[Rule] = ()) -> Verdict:
    """The outcome of ``error`` at ``stage``; ``UNEXPECTED`` where no row matches."""
    for rule in (*site_rules, *RULES):
        if rule.matches(error, processor=processor, stage=stage):
            return Verdict(rule.outcome, rule.code)
    return UNEXPECTED
