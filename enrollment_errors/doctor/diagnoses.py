"""What the doctor can find: one row per diagnosis, with its probable cause and what to do.

If a rider's request can meet the same problem, the doctor uses its code from the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..catalogue import CODES
from ..codes import gettext_noop


class Level(str, Enum):
    OK = gettext_noop("ok")
    WARNING = gettext_noop("warning")
    FAILURE = gettext_noop("failure")
    NOT_TRIED = gettext_noop("not tried")


@dataclass(frozen=True)
class Diagnosis:
    cause: str
    action: str
    level: Level = Level.FAILURE


class Trouble(Exception):
    """``diagnosis`` is a key of ``DIAGNOSES`` or of ``catalogue.CODES``; ``detail`` holds no secret."""

    def __init__(self, diagnosis: str, detail: str = "") -> None:
        super().__init__(diagnosis)
        self.diagnosis = diagnosis
        self.detail = detail


DIAGNOSES: dict[str, Diagnosis] = {
    # The way to the processor.
    "connection_refused": Diagnosis(
        gettext_noop("The host answers, but nothing listens on that port."),
        gettext_noop("Check the port in BASE_URL. If it is right, open a ticket with the processor."),
    ),
    "no_connection": Diagnosis(
        gettext_noop("The connection could not be established in time. Often a firewall drops it without an answer."),
        gettext_noop("Allow outbound traffic from this server to the processor's host and port."),
    ),
    "http_for_https": Diagnosis(
        gettext_noop("BASE_URL starts with http, but the server expects TLS."),
        gettext_noop("Use https:// in BASE_URL."),
    ),
    "not_encrypted": Diagnosis(
        gettext_noop("BASE_URL starts with http, so credentials and card tokens would cross the network unencrypted."),
        gettext_noop("Use https:// in BASE_URL."),
    ),
    "no_tls": Diagnosis(
        gettext_noop("BASE_URL starts with https, but the server does not speak TLS."),
        gettext_noop("Check the port in BASE_URL. A proxy on the way may be answering instead of the processor."),
    ),
    "certificate_expires_soon": Diagnosis(
        gettext_noop("The server's certificate expires within two weeks."),
        gettext_noop("Open a ticket with the processor and ask when it will renew the certificate."),
        Level.WARNING,
    ),
    "clock_off": Diagnosis(
        gettext_noop("This server's clock and the processor's differ: tokens seem to expire too early or too late."),
        gettext_noop("Set this server's clock with NTP."),
        Level.WARNING,
    ),
    # What the processor says about the account.
    "audience_refused": Diagnosis(
        gettext_noop("The processor knows the client but issues no token for this audience."),
        gettext_noop("Compare the account's audience with the one that the processor gave you."),
    ),
    "api_not_found": Diagnosis(
        gettext_noop("The server answers but does not have this API. The version, the path or the host is wrong."),
        gettext_noop(
            "Compare BASE_URL, and the version if the account has one, with what the processor gave you. BASE_URL "
            "must not itself end in /api or a version."
        ),
    ),
    "tokenization_refused": Diagnosis(
        gettext_noop("The credentials are right, but the account is not allowed to tokenize cards."),
        gettext_noop("Ask the processor to enable card tokenization for the account."),
    ),
    "shared_token_refused": Diagnosis(
        gettext_noop("The processor refuses the access token that riders share, but accepts a new one."),
        gettext_noop(
            "You need to do nothing now: the next rider's call replaces the token. If this recurs, ask the processor "
            "why it ends tokens early."
        ),
        Level.WARNING,
    ),
    "groups_refused": Diagnosis(
        gettext_noop("The credentials are right, but the account is not allowed to list its concession groups."),
        gettext_noop("Ask the processor to let the account list its concession groups, or to confirm the groups' ids."),
    ),
    "group_unknown": Diagnosis(
        gettext_noop("The account has no concession group with this id, so every enrollment into it fails."),
        gettext_noop("Compare the id with the account's groups, which the detail lists."),
    ),
    "group_without_product": Diagnosis(
        gettext_noop(
            "The concession group has no active product. Riders are told that they are enrolled, but pay the full fare."
        ),
        gettext_noop("Activate the group's product with the processor, or add a product to the group."),
    ),
    "products_not_shown": Diagnosis(
        gettext_noop("The processor does not show the account which products a concession group has."),
        gettext_noop(
            "Ask the processor to let the account read products, and to confirm that the group's product is active."
        ),
        Level.WARNING,
    ),
    "groups_not_checked": Diagnosis(
        gettext_noop("The site does not say which concession groups it enrolls into."),
        gettext_noop("Return them from Adapter.get_enrollments_to_check, or name them with --group."),
        Level.WARNING,
    ),
    "account_unknown": Diagnosis(
        gettext_noop("The settings have no processor account of this name."),
        gettext_noop("Add it to ACCOUNTS, or correct the name: in Enrollment.account, or after --account."),
    ),
    "card_form_unreachable": Diagnosis(
        gettext_noop("The card form's script cannot be loaded, so riders would get the system-error page."),
        gettext_noop(
            "Check the address of the card form in the account; it is seldom on the API's host. If it is right, allow"
            " outbound traffic to it."
        ),
    ),
    "card_form_no_script": Diagnosis(
        gettext_noop("The card form's address leads to a web page or to nothing, not to a script."),
        gettext_noop("Compare the address of the card form in the account with the one that the processor gave you."),
    ),
    "environments_mixed": Diagnosis(
        gettext_noop("One of the account's hosts looks like a test environment, and another one like production."),
        gettext_noop("Use addresses from one environment for the whole account."),
        Level.WARNING,
    ),
    "test_host_in_production": Diagnosis(
        gettext_noop(
            "The site runs without DEBUG, but the account belongs to a test environment. No rider gets a reduced fare."
        ),
        gettext_noop(
            "Enter the processor's production hosts and credentials. If this is a test site, you need to do nothing."
        ),
        Level.WARNING,
    ),
    "production_host_in_test": Diagnosis(
        gettext_noop(
            "The site runs with DEBUG, but the account belongs to a production environment. Every enrollment that you"
            " try is real."
        ),
        gettext_noop(
            "Enter the processor's test hosts and credentials. If this site is in production, turn DEBUG off."
        ),
        Level.WARNING,
    ),
    # This site.
    "settings_wrong": Diagnosis(
        gettext_noop("The settings cannot be read."), gettext_noop("Correct the setting that the detail names.")
    ),
    "host_failed": Diagnosis(
        gettext_noop("Adapter.get_enrollments_to_check raised an exception."),
        gettext_noop("Fix the hook. The detail names the exception."),
    ),
    "cache_missing": Diagnosis(
        gettext_noop("The CACHE setting names a cache that the site does not have."),
        gettext_noop("Add it to CACHES, or correct the name."),
    ),
    "cache_down": Diagnosis(
        gettext_noop("The cache does not store what it is given, so there is no shared token and no circuit breaker."),
        gettext_noop("Check the cache server and CACHES."),
    ),
    "package_missing": Diagnosis(
        gettext_noop(
            "The cache needs a Python package that is not installed, so there is no shared token and no circuit "
            "breaker."
        ),
        gettext_noop("Install it with the command in the detail, and add it to your requirements."),
    ),
    "cache_not_shared": Diagnosis(
        gettext_noop("Each process has its own cache, and therefore its own token and its own circuit."),
        gettext_noop(
            "If you run more than one process, use a cache that they share: Redis, memcached, a database or files."
        ),
        Level.WARNING,
    ),
    "incidents_unreadable": Diagnosis(
        gettext_noop("The incidents' tables cannot be read."),
        gettext_noop("Run manage.py migrate. If that does not help, check the database."),
    ),
    "not_pruned": Diagnosis(
        gettext_noop("Some incidents are older than INCIDENTS_KEPT_DAYS allows."),
        gettext_noop("Run manage.py prune_enrollments every night."),
        Level.WARNING,
    ),
    "template_missing": Diagnosis(
        gettext_noop("The template of a page cannot be loaded."),
        gettext_noop("Fix the template that the detail names, or TEMPLATES."),
    ),
    "catalog_missing": Diagnosis(
        gettext_noop(
            "The site offers a language that this app is not translated into, so its pages are in English there."
        ),
        gettext_noop("Remove the language from LANGUAGES, or translate the app's catalog into it."),
        Level.WARNING,
    ),
    "sentry_not_set_up": Diagnosis(
        gettext_noop("sentry-sdk is not initialized, so operators do not hear about failures in Sentry."),
        gettext_noop("Call sentry_sdk.init with a DSN, unless you do not use Sentry."),
        Level.WARNING,
    ),
    "sentry_refused": Diagnosis(
        gettext_noop("Sentry does not accept the DSN."),
        gettext_noop("Copy the DSN again from the settings of your Sentry project."),
    ),
    "sentry_unreachable": Diagnosis(
        gettext_noop("Sentry's server does not answer."),
        gettext_noop("Allow outbound traffic to it, and check the host in the DSN."),
    ),
    "amplitude_not_set_up": Diagnosis(
        gettext_noop("AMPLITUDE_API_KEY is not set, so no events go to Amplitude."),
        gettext_noop("Set the key, unless you do not use Amplitude."),
        Level.WARNING,
    ),
    "amplitude_refused": Diagnosis(
        gettext_noop("Amplitude does not know this API key."),
        gettext_noop("Copy the key again from the settings of your Amplitude project."),
    ),
    "amplitude_unreachable": Diagnosis(
        gettext_noop("Amplitude's server does not answer."),
        gettext_noop("Allow outbound traffic to it, and check AMPLITUDE_SERVER_URL."),
    ),
    "probe_failed": Diagnosis(
        gettext_noop("The doctor itself failed at this step."),
        gettext_noop("Report this to the project, with the detail."),
    ),
}


ABOUT_OPTIONS = frozenset(
    (
        "credentials_refused",
        "request_refused",
        "audience_refused",
        "api_not_found",
        "card_form_unreachable",
        "card_form_no_script",
        "environments_mixed",
    )
)
"""Diagnoses that an option of the account may have caused. The processor defines which options it has."""


def diagnosed(name: str) -> Diagnosis:
    """``name`` is a key of ``DIAGNOSES`` or of ``catalogue.CODES``."""
    if name in DIAGNOSES:
        return DIAGNOSES[name]
    return Diagnosis(CODES[name].meaning, CODES[name].action)
