"""Every code: the failure it stands for, the outcome for the rider, its meaning, and what an operator does.

One table for classification, pages, the error envelope, events, the doctor and the documentation. If several codes
match a failure, the first one decides.
"""

from __future__ import annotations

from . import exceptions
from .codes import Code, When, gettext_noop
from .outcomes import Outcome, Stage


def _(text: str) -> str:
    """Marks a text that staff read in person, for the catalogs. The page that shows it translates it."""
    return text


_NOTHING_WRONG = _("Nothing: the page says what to do.")

CODES: dict[str, Code] = {
    "linked": Code(
        label=gettext_noop("Linked"),
        outcome=Outcome.SUCCESS,
        meaning=gettext_noop("The card was linked to the concession group."),
    ),
    "already_linked_elsewhere": Code(
        label=gettext_noop("Already linked elsewhere"),
        outcome=Outcome.SUCCESS,
        meaning=_("The processor answered that the card is in a group already, and does not list it in ours."),
        action=_(
            "Look up the card at the processor. If it is in another group, the rider does not get this benefit's fare."
        ),
        is_odd=True,
    ),
    "expiry_set": Code(
        label=gettext_noop("Expiry set"),
        outcome=Outcome.SUCCESS,
        meaning=gettext_noop("The card was linked without an expiry, and has one now."),
    ),
    "renewed": Code(
        label=gettext_noop("Renewed"),
        outcome=Outcome.SUCCESS,
        meaning=gettext_noop("The link was expired or in its re-enrollment window, and was renewed."),
    ),
    "expiry_cleared": Code(
        label=gettext_noop("Expiry cleared"),
        outcome=Outcome.SUCCESS,
        meaning=gettext_noop("The link had an expiry that the benefit does not have; it was cleared."),
    ),
    "tokenization_access": Code(
        label=gettext_noop("Tokenization access"),
        outcome=Outcome.SUCCESS,
        meaning=gettext_noop("The page has access to card tokenization."),
        is_reported=False,
    ),
    "already_linked": Code(
        label=gettext_noop("Already linked"),
        outcome=Outcome.SUCCESS,
        when=When(exception=exceptions.StatusError, stage=Stage.LINK, status=409),
        reason="The card is in the group, which is all that the rider wants. Anywhere else 409 is a 4xx.",
        meaning=gettext_noop("The card was in the concession group already."),
    ),
    "reenrollment_too_early": Code(
        label=gettext_noop("Too early to enroll again"),
        outcome=Outcome.TOO_EARLY,
        when=When(exception=exceptions.ReenrollmentTooEarly),
        reason="Enrolled, not expired, and not in the re-enrollment window: nothing is wrong.",
        meaning=_("Enrolled already, not expired, and not yet in the re-enrollment window."),
        action=_NOTHING_WRONG,
    ),
    "card_refused": Code(
        label=gettext_noop("Card refused"),
        outcome=Outcome.RETRY,
        when=When(exception=exceptions.CardRefused),
        reason="The card's details were refused: the rider checks them and tries again.",
        meaning=_("The card form refused the card's details."),
        action=_NOTHING_WRONG,
    ),
    "card_form_cancelled": Code(
        label=gettext_noop("Card form canceled"),
        outcome=Outcome.UNFINISHED,
        when=When(exception=exceptions.CardFormCancelled, stage=Stage.CARD_FORM),
        reason="The rider's own choice.",
        meaning=gettext_noop("The rider canceled on the processor's site and came back."),
        action=_NOTHING_WRONG,
    ),
    "tokenization_expired": Code(
        label=gettext_noop("Tokenization expired"),
        outcome=Outcome.UNFINISHED,
        when=When(exception=exceptions.TokenizationExpired, stage=Stage.CARD_FORM),
        reason="A new visit to the processor's site is begun before the rider is sent there again.",
        meaning=gettext_noop(
            "The rider came back from the processor's site after the visit had expired or was deleted."
        ),
        action=gettext_noop(
            "Nothing if it is rare. If many riders meet it, open a ticket with the processor, and ask how long a visit "
            "lasts."
        ),
    ),
    "tokenization_running": Code(
        label=gettext_noop("Tokenization running"),
        outcome=Outcome.UNFINISHED,
        when=When(exception=exceptions.TokenizationRunning, stage=Stage.CARD_FORM),
        reason="The rider can go on where they were: the same visit is kept.",
        meaning=gettext_noop("The rider came back from the processor's site before finishing there."),
        action=_NOTHING_WRONG,
    ),
    "link_answer_lost": Code(
        label=gettext_noop("Link answer lost"),
        outcome=Outcome.UNKNOWN,
        when=When(exception=exceptions.LinkAnswerLost),
        reason="The link may have been made. Neither success nor failure would be true.",
        meaning=_("The answer to the link was lost, and asking the processor did not settle what became of it."),
        action=_(
            "Ask the rider to check again on their page: nothing is linked twice by it. If the rider is gone, look up "
            "the card at the processor, or run manage.py settle_enrollments."
        ),
    ),
    "link_not_made": Code(
        label=gettext_noop("Link not made"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.LinkNotMade),
        reason="The answer to the link was lost, and the processor says later that it was not made.",
        meaning=_(
            "The answer to the link was lost. The processor says that the card is not in the group, and the request "
            "can no longer be running."
        ),
        action=_(
            "The rider does not have the reduced fare, and does not know it unless they came back. If you can reach "
            "the rider, ask them to enroll again."
        ),
    ),
    "link_not_finished": Code(
        label=gettext_noop("Link not finished"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.LinkNotFinished),
        reason="The rider was told that we would finish it, and the processor was down until it was too late.",
        meaning=_("We told the rider that we would add the card later, and could not do so in time."),
        action=_(
            "The rider does not have the reduced fare. Their page says so when they look at it. If you can reach the "
            "rider, ask them to enroll again."
        ),
    ),
    "link_never_settled": Code(
        label=gettext_noop("Link never settled"),
        outcome=Outcome.UNKNOWN,
        when=When(exception=exceptions.LinkNeverSettled),
        reason="Asked again and again until SETTLING_HOURS were over, nobody could say.",
        meaning=_(
            "The answer to the link was lost, and the processor did not say within SETTLING_HOURS whether the card is "
            "enrolled."
        ),
        action=_(
            "Open a ticket with the processor: give them the time, the account and the reference, and ask whether the "
            "card is in the group."
        ),
    ),
    "switched_off": Code(
        label=gettext_noop("Switched off"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.SwitchedOff),
        reason="An operator has said so, and what riders are told.",
        meaning=gettext_noop("An operator has switched enrollment off for this account or agency."),
        action=gettext_noop(
            "Nothing: it ends at the time that the operator set. Enrollment switches in the admin tells who set it."
        ),
        is_meant=True,
    ),
    "circuit_open": Code(
        label=gettext_noop("Circuit open"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CircuitOpen),
        reason="The processor is known to be down: nobody waits for it.",
        meaning=_("The processor failed so often that it is not being called for the moment."),
        action=_(
            "See which failures came before this one, and do what they say. Calls resume by themselves as soon as the "
            "processor answers."
        ),
        is_outage=True,
    ),
    "processor_busy": Code(
        label=gettext_noop("Processor busy"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.ProcessorBusy),
        reason="As many calls as one process may make are waiting already.",
        meaning=_("This process had as many calls to the processor under way as it may have."),
        action=_("Check whether the processor is slow. If it is not, raise MAX_CALLS."),
        is_outage=True,
    ),
    "deadline_exceeded": Code(
        label=gettext_noop("Deadline exceeded"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.DeadlineExceeded),
        reason="The rider's whole budget of time is used up.",
        meaning=_("The calls together took longer than the rider's budget of time."),
        action=_("Check whether the processor is slow. If it is not, raise BUDGET."),
        is_outage=True,
    ),
    "processor_timeout": Code(
        label=gettext_noop("Processor timeout"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.TimedOut),
        reason="Silence.",
        meaning=_("The processor was silent for longer than a timeout."),
        action=_(
            "If this continues for more than 15 minutes, open a ticket with the processor, and give them the times "
            "and the references."
        ),
        is_outage=True,
    ),
    "processor_name_not_resolved": Code(
        label=gettext_noop("Processor name not resolved"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.NameNotResolved),
        reason="DNS fails for a while as servers do.",
        meaning=_("DNS does not know the processor's host name: a typing error, or a resolver that cannot see it."),
        action=_(
            "Compare BASE_URL with the address that the processor gave you. If it is the same, ask the people who run "
            "this server's network why its DNS does not find the host."
        ),
        is_outage=True,
    ),
    "certificate_expired": Code(
        label=gettext_noop("Certificate expired"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CertificateExpired),
        reason="It is the processor's to renew.",
        meaning=_("The certificate of the processor's server has expired."),
        action=_("Check this server's clock. If it is right, tell the processor to renew its certificate."),
    ),
    "certificate_not_valid_yet": Code(
        label=gettext_noop("Certificate not valid yet"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CertificateNotValidYet),
        reason="A clock is wrong, ours or theirs.",
        meaning=_("The certificate of the processor's server is not valid yet."),
        action=_("Set this server's clock by NTP. If it is right, tell the processor."),
    ),
    "certificate_of_another_host": Code(
        label=gettext_noop("Certificate of another host"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CertificateOfAnotherHost),
        reason="Something else answers at the processor's address, for a while or because of a typo.",
        meaning=_("The server at the processor's address showed a certificate for another host."),
        action=_(
            "Check the host in BASE_URL. If it is right, ask the people who run your network whether a proxy answers "
            "in the processor's place."
        ),
    ),
    "certificate_untrusted": Code(
        label=gettext_noop("Certificate untrusted"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CertificateUntrusted),
        reason="Self-signed, an unknown authority, or somebody in between who opens the connection.",
        meaning=_(
            "The certificate of the processor's server is self-signed, or from an authority that this server does "
            "not trust."
        ),
        action=_(
            "Check that no proxy opens the connection, and ask the processor which authority signs. Never turn "
            "verification off."
        ),
    ),
    "processor_tls_failed": Code(
        label=gettext_noop("Processor TLS failed"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.TlsFailed),
        reason="No secure connection, for another reason than the certificate.",
        meaning=_("No secure connection, for another reason than the certificate."),
        action=_(
            "Check that BASE_URL names a port that speaks TLS, and whether the processor wants a client certificate."
        ),
        is_outage=True,
    ),
    "processor_unreachable": Code(
        label=gettext_noop("Processor unreachable"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.ConnectionFailed),
        reason="A refused, reset or cut connection is a server that is down, as a 503 is.",
        meaning=_("The connection was refused, reset or cut."),
        action=_(
            "Run manage.py enrollment_doctor on the server. If it cannot connect, ask the people who run your network "
            "to allow outbound traffic to the processor. If that is not it, open a ticket with the processor, and "
            "give them the times and the references."
        ),
        is_outage=True,
    ),
    "processor_error": Code(
        label=gettext_noop("Processor error"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.StatusError, status=(500, 599)),
        reason="The processor says itself that it is broken.",
        meaning=_("The processor answered with a status of 500 or above."),
        action=_(
            "If this continues for more than 15 minutes, open a ticket with the processor, and give them the times "
            "and the references."
        ),
        is_outage=True,
    ),
    "credentials_refused": Code(
        label=gettext_noop("Credentials refused"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.StatusError, status=401),
        reason="Trying later would not help: our credentials or audience are wrong.",
        meaning=_("The processor answered 401: it does not know this client id with this secret."),
        action=_(
            "Compare the account's credentials with those that the processor gave you, and check that they are for "
            "the same environment as BASE_URL (test or production). If they are right, ask the processor whether it "
            "has replaced the secret."
        ),
    ),
    "permission_refused": Code(
        label=gettext_noop("Permission refused"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.StatusError, status=403),
        reason="Trying later would not help: our account may not do this.",
        meaning=_("The processor answered 403: our account may not do this."),
        action=_(
            "Check that the concession group belongs to this account. If it does, open a ticket with the processor, "
            "and ask them to allow the account to make the call that the incident names."
        ),
    ),
    "too_many_requests": Code(
        label=gettext_noop("Too many requests"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.StatusError, status=429),
        reason="A limit of our account: the operator has to hear of it.",
        meaning=_("The processor answered 429."),
        action=_(
            "Open a ticket with the processor: ask how many requests the account may make, and have the limit raised."
        ),
    ),
    "request_refused": Code(
        label=gettext_noop("Request refused"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.StatusError, status=(400, 499)),
        reason="The processor refuses what we ask, 408 among them: our side.",
        meaning=_("The processor answered with another status from 400 to 499."),
        action=_(
            "Run manage.py enrollment_doctor: it finds a concession group or an address that is wrong. If it finds "
            "nothing, open a ticket with the processor, and give them the call, the status and the time of the "
            "incident."
        ),
    ),
    "base_url_redirects": Code(
        label=gettext_noop("Base URL redirects"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.StatusError, status=(300, 399)),
        reason="An API does not redirect: what is at the base URL is something else. Nobody follows it.",
        meaning=_("The processor's server answered with a redirect, which an API does not do."),
        action=_("Correct BASE_URL: it often says http instead of https, or names a host that has moved."),
    ),
    "token_type_unsupported": Code(
        label=gettext_noop("Token type unsupported"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.TokenTypeUnsupported),
        reason="A token that we would send in the wrong way.",
        meaning=_("The processor gave a token of a type that this app cannot send."),
        action=_(
            "Open a ticket with the processor, and ask what has changed in the answer to the call that the incident "
            "names. Report it to this project, too."
        ),
    ),
    "reply_broken": Code(
        label=gettext_noop("Reply broken"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.ReplyBroken),
        reason="An answer came, and it breaks HTTP: no server that is merely down does that.",
        meaning=_("The answer broke the HTTP protocol, or its body could not be decoded."),
        action=_(
            "Check that BASE_URL names the processor's HTTP port. If it does, tell the processor and those who run a "
            "proxy in between."
        ),
    ),
    "reply_not_json": Code(
        label=gettext_noop("Reply not JSON"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.ReplyNotJson),
        reason="A gateway's page with 200, or a wrong base URL.",
        meaning=_(
            "The processor's answer was 2xx and no JSON: a web page, or a gateway that wants something of a person."
        ),
        action=_(
            "Check BASE_URL. If it is right, open a ticket with the processor, and ask whether its gateway allows "
            "this server's address."
        ),
    ),
    "reply_incomplete": Code(
        label=gettext_noop("Reply incomplete"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.ReplyIncomplete),
        reason="JSON without what is needed.",
        meaning=_("The processor's answer lacks something that is needed."),
        action=_(
            "Open a ticket with the processor, and ask what has changed in the answer to the call that the incident "
            "names. Report it to this project, too."
        ),
    ),
    "base_url_invalid": Code(
        label=gettext_noop("Base URL invalid"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.BaseUrlInvalid),
        reason="A typo in the settings.",
        meaning=_("The base URL is no address that can be called."),
        action=_("Write BASE_URL with https://, a host, and a path only where the processor gave you one."),
    ),
    "card_token_invalid": Code(
        label=gettext_noop("Card token invalid"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.CardTokenInvalid),
        reason="The page sends what the card form gave it: anything else is a bug or a forgery.",
        meaning=_("The page sent no card token, or one that no card form gives."),
        action=_(
            "If it happens to several riders, open the enroll page in a browser and try a test card: a template or a "
            "script of your site may have changed what the page sends."
        ),
    ),
    "expiry_not_clearable": Code(
        label=gettext_noop("Expiry not clearable"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.ExpiryNotClearable),
        reason="The benefit does not expire and the link does: somebody has to mend it by hand.",
        meaning=_("The link expires, the benefit does not, and the processor cannot clear an expiry."),
        action=_("Have the processor clear the expiry of the card, or unlink it; the rider can then enroll."),
    ),
    "link_not_confirmed": Code(
        label=gettext_noop("Link not confirmed"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.LinkNotConfirmed),
        reason="409 with unknown words, and the processor answers that the card is not in the group.",
        meaning=_("The processor answered 409 in unknown words, and says that the card is not in the group."),
        action=_(
            "Open a ticket with the processor: ask why it answers 409 for a card that is not in the group. Report the "
            "wording to this project, too."
        ),
    ),
    "token_request_refused": Code(
        label=gettext_noop("Token request refused"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.TokenRequestFailed, status=(400, 499)),
        reason="Something on our side answered in the token view's place.",
        meaning=_("This site's own token view answered the page with a status from 400 to 499 that is not ours."),
        action=_("Look at what stands in front of the token view: a firewall, a login, a middleware."),
    ),
    "card_form_refused": Code(
        label=gettext_noop("Card form refused"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.CardFormFailed, status=(400, 499)),
        reason="The card form's error callback with 4xx: our tokenization access is wrong.",
        meaning=_("The card form failed in the browser with a status from 400 to 499."),
        action=_(
            "Check that the card form's address and BASE_URL belong to the same environment (test or production). "
            "Then try a test card in a browser."
        ),
    ),
    "card_form_not_loaded": Code(
        label=gettext_noop("Card form not loaded"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CardFormNotLoaded),
        reason="The processor's script did not come: as good as a refused connection.",
        meaning=_("The card form's script did not load, or does not define the card form."),
        action=_(
            "Run manage.py enrollment_doctor and manage.py check: they find a wrong address of the card form, and a "
            "Content-Security-Policy that blocks it."
        ),
    ),
    "token_request_failed": Code(
        label=gettext_noop("Token request failed"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.TokenRequestFailed),
        reason="No answer from our own token view, or not one of ours: the rider's connection, or our server.",
        meaning=_("The page got no answer that it could use from this site's own token view."),
        action=_(
            "One rider's connection, if it is rare. If many riders meet it, check this site's web server and its "
            "workers."
        ),
        may_be_the_riders=True,
    ),
    "card_form_error": Code(
        label=gettext_noop("Card form error"),
        outcome=Outcome.SYSTEM_ERROR,
        when=When(exception=exceptions.CardFormFailed),
        reason="The card form's error callback with a status of 500 or above or none.",
        meaning=_(
            "The card form failed in the browser or on the processor's site, with a status of 500 or above or none."
        ),
        action=_(
            "If this continues for more than 15 minutes, open a ticket with the processor, and give them the times "
            "and the references."
        ),
    ),
    "account_unusable": Code(
        label=gettext_noop("Account unusable"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.AccountUnusable),
        reason="One account's own trouble: its riders cannot be helped by trying again.",
        meaning=_("The account is not there, or something is wrong with it; the other accounts go on."),
        action=_("Correct the account. The log and Sentry say what is wrong, once an hour; so does enrollment_doctor."),
    ),
    "configuration_error": Code(
        label=gettext_noop("Configuration error"),
        outcome=Outcome.SERVER_ERROR,
        when=When(exception=exceptions.ConfigurationError),
        reason="The site's own set-up; the event's text names the place.",
        meaning=_("The site's settings or adapter are wrong."),
        action=_(
            "Run manage.py check on the server. If it finds nothing, open the event in Sentry or look for the "
            "reference in the log: its text names the setting or the method to correct."
        ),
    ),
    "unexpected_error": Code(
        label=gettext_noop("Unexpected error"),
        outcome=Outcome.SERVER_ERROR,
        meaning=_("Something that no rule knows, most likely a bug."),
        action=_(
            "Open the event in Sentry, or look for the reference in the log: the traceback names the place. If that "
            "is in enrollment_errors, report it to this project."
        ),
    ),
    "not_eligible": Code(
        label=gettext_noop("Not eligible"),
        outcome=Outcome.NOT_ELIGIBLE,
        meaning=gettext_noop("The session may not enroll: it is over, was never eligible, or cookies are off."),
        action=_NOTHING_WRONG,
        is_reported=False,
    ),
    "csrf_failed": Code(
        label=gettext_noop("CSRF failed"),
        outcome=Outcome.NOT_ELIGIBLE,
        meaning=gettext_noop("A POST without a valid CSRF token: cookies are off, or a forgery."),
        action=_NOTHING_WRONG,
        is_reported=False,
    ),
    "method_not_allowed": Code(
        label=gettext_noop("Method not allowed"),
        outcome=Outcome.SERVER_ERROR,
        meaning=gettext_noop("A request with a method that the view does not have."),
        is_reported=False,
    ),
    "changed": Code(
        label=gettext_noop("Page out of date"),
        outcome=Outcome.CHANGED,
        meaning=gettext_noop(
            "The page was made for another benefit, another rider or another visit; nothing was sent."
        ),
        action=_NOTHING_WRONG,
        is_reported=False,
    ),
    "no_more_cards": Code(
        label=gettext_noop("No more cards"),
        outcome=Outcome.NO_MORE_CARDS,
        meaning=gettext_noop(
            "The rider has enrolled as many cards as Enrollment.cards allows for one proof; another one was not linked."
        ),
        action=_NOTHING_WRONG,
        is_reported=False,
    ),
    "too_many": Code(
        label=gettext_noop("Too many tries"),
        outcome=Outcome.TOO_MANY,
        meaning=gettext_noop(
            "One session sent more requests than RIDER_REQUESTS allows; nothing was sent to the processor."
        ),
        action=_NOTHING_WRONG,
        is_reported=False,
    ),
    "bad_request": Code(
        label=gettext_noop("Bad request"),
        outcome=Outcome.SERVER_ERROR,
        meaning=gettext_noop("The page's script sent something unreadable."),
        is_reported=False,
    ),
}


def explained(code: str) -> Code:
    """The entry for ``code``, or a generic one for a code of a site's own rules."""
    return CODES.get(code) or Code(
        label=code.replace("_", " ").capitalize(),
        outcome=Outcome.SERVER_ERROR,
        meaning=_("A code of this site's own rules."),
        action=_("Look at the site's setting RULES."),
    )
