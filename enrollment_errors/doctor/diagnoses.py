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
        gettext_noop("The host is there, and nothing listens at that port."),
        gettext_noop("Check the port in BASE_URL. If it is right, open a ticket with the processor."),
    ),
    "no_connection": Diagnosis(
        gettext_noop("No connection came about in time: often a firewall that drops what it does not know."),
        gettext_noop("Allow outbound traffic from this server to the processor's host and port."),
    ),
    "http_for_https": Diagnosis(
        gettext_noop("BASE_URL says http, and the server there speaks TLS."),
        gettext_noop("Write https:// in BASE_URL."),
    ),
    "not_encrypted": Diagnosis(
        gettext_noop("BASE_URL says http: credentials and card tokens would go over the network in the clear."),
        gettext_noop("Write https:// in BASE_URL."),
    ),
    "no_tls": Diagnosis(
        gettext_noop("BASE_URL says https, and the server there does not speak TLS."),
        gettext_noop("Check the port in BASE_URL; a proxy in between may be answering in the processor's place."),
    ),
    "certificate_expires_soon": Diagnosis(
        gettext_noop("The server's certificate expires within two weeks."),
        gettext_noop("Open a ticket with the processor, and ask when it renews the certificate."),
        Level.WARNING,
    ),
    "clock_off": Diagnosis(
        gettext_noop("This server's clock and the processor's differ: tokens seem to expire too early or too late."),
        gettext_noop("Set the clock, by NTP."),
        Level.WARNING,
    ),
    # What the processor says about the account.
    "audience_refused": Diagnosis(
        gettext_noop("The processor knows the client, and gives it no token for this audience."),
        gettext_noop("Compare the account's audience with the one that the processor gave you."),
    ),
    "api_not_found": Diagnosis(
        gettext_noop("There is a server, and it has no such API: a wrong version, a wrong path, or a wrong host."),
        gettext_noop(
            "Compare BASE_URL, and the version if the account has one, with what the processor gave you. BASE_URL must "
            "not itself end in /api or a version."
        ),
    ),
    "tokenization_refused": Diagnosis(
        gettext_noop("The credentials are right, and the account may not tokenize cards."),
        gettext_noop("Ask the processor to enable card tokenization for the account."),
    ),
    "shared_token_refused": Diagnosis(
        gettext_noop("The processor refuses the access token that riders share, and accepts a new one."),
        gettext_noop(
            "Nothing now: the next rider's call replaces it. If this recurs, ask the processor why it ends tokens "
            "early."
        ),
        Level.WARNING,
    ),
    "groups_refused": Diagnosis(
        gettext_noop("The credentials are right, and the account may not list its concession groups."),
        gettext_noop("Ask the processor to let the account list its concession groups, or to confirm the groups' ids."),
    ),
    "group_unknown": Diagnosis(
        gettext_noop("The account has no concession group of this id: every enrollment into it fails."),
        gettext_noop("Compare the id with the account's groups, in the detail."),
    ),
    "group_without_product": Diagnosis(
        gettext_noop(
            "The concession group has no active product: riders are told that they are enrolled, and pay the full fare."
        ),
        gettext_noop("Activate the group's product at the processor, or put one into the group."),
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
        gettext_noop("The card form's script cannot be had: riders would get the system-error page."),
        gettext_noop(
            "Check the address of the card form in the account: it is seldom the host of the API. If it is right, "
            "allow outbound traffic to it."
        ),
    ),
    "card_form_no_script": Diagnosis(
        gettext_noop("What stands at the card form's address is no script: a web page, or nothing."),
        gettext_noop("Compare the address of the card form in the account with the one that the processor gave you."),
    ),
    "environments_mixed": Diagnosis(
        gettext_noop("One of the account's hosts looks like a test environment, and another one like production."),
        gettext_noop("Take all addresses of the account from the same environment."),
        Level.WARNING,
    ),
    "test_host_in_production": Diagnosis(
        gettext_noop(
            "The site runs without DEBUG, and the account belongs to a test environment: no rider gets a reduced fare."
        ),
        gettext_noop(
            "Enter the processor's production hosts and credentials. If this site is for tests, there is nothing to do."
        ),
        Level.WARNING,
    ),
    "production_host_in_test": Diagnosis(
        gettext_noop(
            "The site runs with DEBUG, and the account belongs to a production environment: whatever you try is real."
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
        gettext_noop("Mend the hook; the detail names the exception."),
    ),
    "cache_missing": Diagnosis(
        gettext_noop("The setting CACHE names a cache that the site does not have."),
        gettext_noop("Add it to CACHES, or correct the name."),
    ),
    "cache_down": Diagnosis(
        gettext_noop("The cache does not keep what it is given: no shared token, no circuit breaker."),
        gettext_noop("Look at the cache server, and at CACHES."),
    ),
    "package_missing": Diagnosis(
        gettext_noop("The cache needs a Python package that is not installed: no shared token, no circuit breaker."),
        gettext_noop("Install it with the command in the detail, and add it to your requirements."),
    ),
    "cache_not_shared": Diagnosis(
        gettext_noop("Each process has a cache of its own, and so its own token and its own circuit."),
        gettext_noop("With more than one process use a cache that they share: Redis, memcached, a database or files."),
        Level.WARNING,
    ),
    "incidents_unreadable": Diagnosis(
        gettext_noop("The tables of the incidents cannot be read."),
        gettext_noop("Run manage.py migrate. If that does not help, check the database."),
    ),
    "not_pruned": Diagnosis(
        gettext_noop("There are incidents that are older than the site wants to keep them."),
        gettext_noop("Run manage.py prune_enrollments every night."),
        Level.WARNING,
    ),
    "template_missing": Diagnosis(
        gettext_noop("A page has no template that can be loaded."),
        gettext_noop("Mend the template that the detail names, or TEMPLATES."),
    ),
    "catalog_missing": Diagnosis(
        gettext_noop("The site offers a language in which this app has no words: its pages are English there."),
        gettext_noop("Take the language out of LANGUAGES, or translate the app's catalog into it."),
        Level.WARNING,
    ),
    "sentry_not_set_up": Diagnosis(
        gettext_noop("sentry-sdk is not initialised: operators do not hear of failures there."),
        gettext_noop("Call sentry_sdk.init with a DSN, unless you do without Sentry."),
        Level.WARNING,
    ),
    "sentry_refused": Diagnosis(
        gettext_noop("Sentry does not accept the DSN."), gettext_noop("Copy the DSN anew from the project's settings.")
    ),
    "sentry_unreachable": Diagnosis(
        gettext_noop("Sentry's server does not answer."),
        gettext_noop("Allow outbound traffic to it, and check the host in the DSN."),
    ),
    "amplitude_not_set_up": Diagnosis(
        gettext_noop("There is no AMPLITUDE_API_KEY: no events are sent there."),
        gettext_noop("Set the key, unless you do without Amplitude."),
        Level.WARNING,
    ),
    "amplitude_refused": Diagnosis(
        gettext_noop("Amplitude does not know the API key."), gettext_noop("Copy the key anew from the project.")
    ),
    "amplitude_unreachable": Diagnosis(
        gettext_noop("Amplitude's server does not answer."),
        gettext_noop("Allow outbound traffic to it, and check AMPLITUDE_SERVER_URL."),
    ),
    "probe_failed": Diagnosis(
        gettext_noop("The doctor itself failed here."), gettext_noop("Report it to this project, with the detail.")
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
