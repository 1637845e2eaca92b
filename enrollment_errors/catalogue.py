"""Every code: what it means, and what an operator does. One table for the error envelope, events and documentation."""

from __future__ import annotations

from dataclasses import dataclass

from .outcomes import Outcome


@dataclass(frozen=True)
class Code:
    """``outcome`` decides the page, the HTTP status and whether Sentry hears of it.

    What is not ``is_reported`` is told to the rider alone. Of what is ``told_once``, Sentry hears when it begins and
    when it ends, and not of every rider whom it meets. What ``is_odd`` ends well for the rider, and somebody has to
    look at it all the same. What ``may_be_the_riders`` own connection leaves riders on the page, where they can try
    again, and is a warning.
    """

    outcome: Outcome
    meaning: str
    action: str = "Nothing."
    is_reported: bool = True
    told_once: bool = False
    is_odd: bool = False
    may_be_the_riders: bool = False

    @property
    def is_fault(self) -> bool:
        return self.outcome.is_fault or self.is_odd

    @property
    def is_sentry_event(self) -> bool:
        return self.is_fault and self.is_reported and not self.told_once


_NOTHING_WRONG = "Nothing: the rider knows what to do."

CODES: dict[str, Code] = {
    "linked": Code(Outcome.SUCCESS, "The card was linked to the concession group."),
    "already_linked": Code(Outcome.SUCCESS, "The card was in the concession group already."),
    "already_linked_elsewhere": Code(
        Outcome.SUCCESS,
        "The processor answered that the card is in a group already, and does not list it in ours.",
        "Look up the card at the processor. If it is in another group, the rider does not get this benefit's fare.",
        is_odd=True,
    ),
    "expiry_set": Code(Outcome.SUCCESS, "The card was linked without an expiry, and has one now."),
    "renewed": Code(Outcome.SUCCESS, "The link was expired or in its re-enrollment window, and was renewed."),
    "expiry_cleared": Code(Outcome.SUCCESS, "The link had an expiry that the benefit does not have; it was cleared."),
    "tokenization_access": Code(Outcome.SUCCESS, "The page has access to card tokenization.", is_reported=False),
    "card_refused": Code(Outcome.RETRY, "The card form refused the card's details.", _NOTHING_WRONG),
    "reenrollment_too_early": Code(
        Outcome.TOO_EARLY, "Enrolled already, not expired, and not yet in the re-enrollment window.", _NOTHING_WRONG
    ),
    "link_answer_lost": Code(
        Outcome.UNKNOWN,
        "The answer to the link was lost, and asking the processor did not settle what became of it.",
        "Look at the processor's state. The rider may check again; nothing is linked twice by it.",
    ),
    "circuit_open": Code(
        Outcome.SYSTEM_ERROR,
        "The processor failed so often that it is not being called for the moment.",
        "Look for the failures that came before; calls resume by themselves when it answers.",
        told_once=True,
    ),
    "processor_busy": Code(
        Outcome.SYSTEM_ERROR,
        "This process had as many calls to the processor under way as it may have.",
        "Look whether the processor is slow; else raise MAX_CALLS.",
    ),
    "deadline_exceeded": Code(
        Outcome.SYSTEM_ERROR,
        "The calls together took longer than the rider's budget of time.",
        "Look whether the processor is slow; else raise BUDGET.",
    ),
    "processor_timeout": Code(
        Outcome.SYSTEM_ERROR,
        "The processor was silent for longer than a timeout.",
        "Ask the processor, if it goes on.",
    ),
    "processor_name_not_resolved": Code(
        Outcome.SYSTEM_ERROR,
        "DNS does not know the processor's host name.",
        "Check BASE_URL and the resolver of the server.",
    ),
    "certificate_expired": Code(
        Outcome.SYSTEM_ERROR,
        "The certificate of the processor's server has expired.",
        "Check this server's clock. If it is right, tell the processor to renew its certificate.",
    ),
    "certificate_not_valid_yet": Code(
        Outcome.SYSTEM_ERROR,
        "The certificate of the processor's server is not valid yet.",
        "Set this server's clock by NTP. If it is right, tell the processor.",
    ),
    "certificate_of_another_host": Code(
        Outcome.SYSTEM_ERROR,
        "The server at the processor's address showed a certificate for another host.",
        "Check the host in BASE_URL. If it is right, something stands between this server and the processor.",
    ),
    "certificate_untrusted": Code(
        Outcome.SYSTEM_ERROR,
        "The certificate of the processor's server is self-signed, or from an authority that this server does not "
        "trust.",
        "Check that no proxy opens the connection, and ask the processor which authority signs. Never turn "
        "verification off.",
    ),
    "processor_tls_failed": Code(
        Outcome.SYSTEM_ERROR,
        "No secure connection, for another reason than the certificate.",
        "Check that BASE_URL names a port that speaks TLS, and whether the processor wants a client certificate.",
    ),
    "processor_unreachable": Code(
        Outcome.SYSTEM_ERROR,
        "The connection was refused, reset or cut.",
        "Check BASE_URL and the way out of the server's network; ask the processor, if it goes on.",
    ),
    "processor_error": Code(
        Outcome.SYSTEM_ERROR, "The processor answered with a status from 500.", "Ask the processor, if it goes on."
    ),
    "credentials_refused": Code(
        Outcome.SERVER_ERROR,
        "The processor answered 401: it does not accept our credentials.",
        "Check CLIENT_ID, CLIENT_SECRET and AUDIENCE.",
    ),
    "permission_refused": Code(
        Outcome.SERVER_ERROR,
        "The processor answered 403: our account may not do this.",
        "Ask the processor for the account's rights; check that the group belongs to the account.",
    ),
    "too_many_requests": Code(
        Outcome.SERVER_ERROR, "The processor answered 429.", "Ask the processor for the account's limits."
    ),
    "request_refused": Code(
        Outcome.SERVER_ERROR,
        "The processor answered with another status from 400 to 499.",
        "Check the concession group's id, BASE_URL and API_VERSION.",
    ),
    "token_type_unsupported": Code(
        Outcome.SERVER_ERROR,
        "The processor gave a token of a type that this app cannot send.",
        "Ask the processor what changed, and report it to this project.",
    ),
    "base_url_redirects": Code(
        Outcome.SERVER_ERROR,
        "The processor's server answered with a redirect, which an API does not do.",
        "Correct BASE_URL: it often says http instead of https, or names a host that has moved.",
    ),
    "reply_broken": Code(
        Outcome.SERVER_ERROR,
        "The answer broke the HTTP protocol, or its body could not be decoded.",
        "Check that BASE_URL names the processor's HTTP port. If it does, tell the processor and those who run a proxy "
        "in between.",
    ),
    "reply_not_json": Code(
        Outcome.SERVER_ERROR,
        "The processor's answer was 2xx and no JSON: often a gateway's page.",
        "Check BASE_URL; ask the processor.",
    ),
    "reply_incomplete": Code(
        Outcome.SERVER_ERROR,
        "The processor's answer lacks something that is needed.",
        "Ask the processor what changed, and report it to this project.",
    ),
    "base_url_invalid": Code(
        Outcome.SERVER_ERROR, "The base URL is no usable address.", "Mend BASE_URL in the account's options."
    ),
    "card_token_invalid": Code(
        Outcome.SERVER_ERROR,
        "The page sent no card token, or one that no card form gives.",
        "If it goes on, look at the page in a browser: its script may have been changed.",
    ),
    "expiry_not_clearable": Code(
        Outcome.SERVER_ERROR,
        "The link expires, the benefit does not, and the processor cannot clear an expiry.",
        "Have the processor clear the expiry of the card, or unlink it; the rider can then enroll.",
    ),
    "link_not_confirmed": Code(
        Outcome.SERVER_ERROR,
        "The processor answered 409 in unknown words, and says that the card is not in the group.",
        "Ask the processor what its answer means, and report the wording to this project.",
    ),
    "card_form_error": Code(
        Outcome.SYSTEM_ERROR,
        "The card form failed in the browser, with a status from 500 or with none.",
        "Ask the processor, if it goes on.",
    ),
    "card_form_refused": Code(
        Outcome.SERVER_ERROR,
        "The card form failed in the browser with a status from 400 to 499.",
        "Check that CARD_FORM_URL and BASE_URL belong to the same environment.",
    ),
    "card_form_not_loaded": Code(
        Outcome.SYSTEM_ERROR,
        "The card form's script did not load, or does not define the card form.",
        "Check CARD_FORM_URL, and that the site's Content-Security-Policy allows its host.",
    ),
    "token_request_failed": Code(
        Outcome.SYSTEM_ERROR,
        "The page got no answer that it could use from this site's own token view.",
        "One rider's connection, if it is rare. If many riders meet it, check this site's web server and its workers.",
        may_be_the_riders=True,
    ),
    "token_request_refused": Code(
        Outcome.SERVER_ERROR,
        "This site's own token view answered the page with a status from 400 to 499 that is not ours.",
        "Look at what stands in front of the token view: a firewall, a login, a middleware.",
    ),
    "configuration_error": Code(
        Outcome.SERVER_ERROR, "The site's settings or adapter are wrong.", "The event's text names the place."
    ),
    "unexpected_error": Code(
        Outcome.SERVER_ERROR,
        "Something that no rule knows, most likely a bug.",
        "Look at the event's traceback; report it to this project where it is ours.",
    ),
    "not_eligible": Code(
        Outcome.NOT_ELIGIBLE,
        "The session may not enroll: it is over, was never eligible, or cookies are off.",
        _NOTHING_WRONG,
        is_reported=False,
    ),
    "csrf_failed": Code(
        Outcome.NOT_ELIGIBLE,
        "A POST without a valid CSRF token: cookies are off, or a forgery.",
        _NOTHING_WRONG,
        is_reported=False,
    ),
    "method_not_allowed": Code(
        Outcome.SERVER_ERROR, "A request with a method that the view does not have.", is_reported=False
    ),
    "changed": Code(
        Outcome.CHANGED,
        "The page was made for another benefit, another rider or another visit; nothing was sent.",
        _NOTHING_WRONG,
        is_reported=False,
    ),
    "too_many": Code(
        Outcome.TOO_MANY,
        "One session sent more requests than RIDER_REQUESTS allows; nothing was sent to the processor.",
        _NOTHING_WRONG,
        is_reported=False,
    ),
    "bad_request": Code(Outcome.SERVER_ERROR, "The page's script sent something unreadable.", is_reported=False),
}


def explained(code: str) -> Code:
    """A code of a site's own rules is not among ``CODES``."""
    return CODES.get(code) or Code(
        Outcome.SERVER_ERROR, "A code of this site's own rules.", "Look at the site's setting RULES."
    )
