"""Checks for mistakes in ENROLLMENT_ERRORS that can still be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.template import Context, TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader_tags import BlockNode, ExtendsNode

from .. import conf
from ..account_directory import get_account, usable_accounts
from ..catalogue import CODES
from ..doctor.diagnoses import DIAGNOSES
from ..exceptions import AccountUnusable, BaseUrlInvalid
from ..processors.account import Account
from ..processors.types import CardForm, CardFormKind, TokenizationRequest
from ..transport.call import check_base_url
from . import csp
from .lookups import cache_backend, enroll_path, has_settings_accounts, loaded
from .messages import Messages, error, unusable_account, warning

BASE_BLOCKS = frozenset({"enrollment_title", "enrollment_head", "enrollment_content"})
LONGEST_BUDGET = 20.0
"""Seconds. The page's script gives up after this long; gunicorn and most load balancers end a request after 30."""

_DATABASE = "django.core.cache.backends.db.DatabaseCache"


def check(settings: conf.Settings) -> Messages:
    yield from _host()
    yield from _finishing()
    yield from _accounts(settings)
    yield from _base_template(settings)
    yield from _timeouts(settings)
    yield from _cache(settings)
    yield from _processors_own_sites(settings)
    yield from _policy(settings)
    yield from _for_operators(settings)


def _host() -> Messages:
    try:
        conf.get_adapter()
    except Exception as wrong:  # noqa: BLE001  the site's own class may raise anything
        yield error(
            "E002",
            f'The class in ENROLLMENT_ERRORS["ADAPTER"] cannot be instantiated, so no rider can enroll '
            f"({type(wrong).__name__}: {wrong}).",
            "Give it the method get_enrollment(self, request), and no __init__ that needs arguments.",
        )


def _finishing() -> Messages:
    """Checks only what the adapter says without a request; the hook may need a database that does not exist yet."""
    if apps.is_installed("enrollment_errors.settling"):
        return
    with suppress(Exception):
        flows = sorted({one.flow for one in conf.get_adapter().get_enrollments_to_check() if one.finish_until})
        if flows:
            yield warning(
                "W011",
                f"Enrollment.finish_until is set for {', '.join(flows)}, but nothing finishes these riders' "
                "enrollments later.",
                'Add "enrollment_errors.settling" to INSTALLED_APPS, run "manage.py migrate", and run '
                '"manage.py settle_enrollments" every few minutes.',
            )


def _accounts(settings: conf.Settings) -> Messages:
    """A mistake in an account affects only that account, and stops no command."""
    for name in settings.ACCOUNTS.get_names() if has_settings_accounts(settings) else ():
        try:
            for endpoint in get_account(name).endpoints.values():
                check_base_url(endpoint.base_url)
        except AccountUnusable as wrong:
            yield unusable_account(str(wrong))
        except BaseUrlInvalid as wrong:
            yield unusable_account(f'The account "{name}": {wrong}.')


def _base_template(settings: conf.Settings) -> Messages:
    name = settings.BASE_TEMPLATE
    base = loaded(name)
    missing = set() if isinstance(base, str) else BASE_BLOCKS - _blocks(base.template, Context())
    if isinstance(base, str) or missing:
        reason = base if isinstance(base, str) else f"it lacks {_blocks_named(missing)}."
        yield error(
            "E008",
            f'ENROLLMENT_ERRORS["BASE_TEMPLATE"] is "{name}", which the pages cannot extend: {reason}',
            "The template needs the blocks enrollment_title, enrollment_head and enrollment_content; docs/pages.md "
            "shows the smallest one. Until you correct it, riders get the pages without your site's own base.",
        )


def _blocks_named(names: Collection[str]) -> str:
    return f"the block{'s' if len(names) > 1 else ''} {', '.join(sorted(names))}"


def _blocks(template: Any, context: Context) -> set[str]:
    """The names of all blocks of a template and of the templates it extends.

    Django itself finds the extended template: it may have the same name, in an app further down.
    """
    names = {node.name for node in template.nodelist.get_nodes_by_type(BlockNode)}
    context.template = template
    for node in template.nodelist.get_nodes_by_type(ExtendsNode):
        with suppress(TemplateDoesNotExist, TemplateSyntaxError):
            names |= _blocks(node.get_parent(context), context)
    return names


def _timeouts(settings: conf.Settings) -> Messages:
    if settings.BUDGET > LONGEST_BUDGET:
        yield warning(
            "W005",
            f'ENROLLMENT_ERRORS["BUDGET"] is {settings.BUDGET:g} s, but the page and most web servers give up sooner.',
            f"Set it to {LONGEST_BUDGET:g} s or less, and keep your web server's own limit well above it.",
        )
    if settings.READ_TIMEOUT > settings.BUDGET / 2:
        yield warning(
            "W006",
            f'ENROLLMENT_ERRORS["READ_TIMEOUT"] is {settings.READ_TIMEOUT:g} s, and BUDGET is {settings.BUDGET:g} s. '
            "If the answer to a link is lost, too little time is left to ask whether the link was made.",
            f"Set READ_TIMEOUT to half of BUDGET or less: {settings.BUDGET / 2:g} s.",
        )


def _cache(settings: conf.Settings) -> Messages:
    if settings.CACHE not in django_settings.CACHES:
        yield error(
            "E010",
            f'ENROLLMENT_ERRORS["CACHE"] is "{settings.CACHE}", which CACHES does not have.',
            f"Name one of {', '.join(sorted(django_settings.CACHES))}.",
        )
    atomic = any(database.get("ATOMIC_REQUESTS") for database in django_settings.DATABASES.values())
    if atomic and cache_backend(settings.CACHE) == _DATABASE:
        yield warning(
            "W007",
            "The cache is in the database, and ATOMIC_REQUESTS makes each request one transaction. Other riders see "
            "neither a new token nor an open circuit until the request ends, and a request that fails rolls both back.",
            'Set ENROLLMENT_ERRORS["CACHE"] to a cache outside the database, or set ATOMIC_REQUESTS to False.',
        )


def _processors_own_sites(settings: conf.Settings) -> Messages:
    accounts = usable_accounts() if has_settings_accounts(settings) else []
    redirecting = [account.name for account in accounts if _card_form(account).kind is CardFormKind.REDIRECT]
    if redirecting and django_settings.SESSION_COOKIE_SAMESITE == "Strict":
        yield warning(
            "W008",
            'SESSION_COOKIE_SAMESITE is "Strict", so riders who come back from a processor\'s own site come without '
            f"their session. This affects the accounts that send riders there: {', '.join(redirecting)}.",
            'Set SESSION_COOKIE_SAMESITE = "Lax", which is Django\'s default.',
        )
    if redirecting and not settings.ALLOWED_REDIRECT_HOSTS:
        yield warning(
            "W014",
            'ENROLLMENT_ERRORS["ALLOWED_REDIRECT_HOSTS"] names no host, but some accounts send riders to a '
            f"processor's own site, where they enter their card: {', '.join(redirecting)}. These riders get the "
            "generic error page.",
            "Name the host of those pages. The processor tells you which one it is.",
        )


def _policy(settings: conf.Settings) -> Messages:
    path = enroll_path()
    if path is None or not django_settings.STATIC_URL:
        return
    accounts = usable_accounts() if has_settings_accounts(settings) else []
    for what in csp.blocked(path, [_card_form(account) for account in accounts]):
        yield warning(
            "W009",
            f"The Content-Security-Policy blocks something that the enroll page needs: {what}.",
            'Allow it. In script-src and style-src, a nonce is best: see "Content-Security-Policy" in docs/pages.md.',
        )


def _for_operators(settings: conf.Settings) -> Messages:
    """A misspelled name would never be shown, and no one would notice."""
    codes = {"*", "watch_stopped", *CODES, *DIAGNOSES, *(rule.code for rule in settings.RULES)}
    yield from _unknown("RUNBOOK_URLS", settings.RUNBOOK_URLS, codes, "code", "docs/errors.md lists every code.")
    if has_settings_accounts(settings):
        names = {*settings.ACCOUNTS.get_names(), *(account.processor.name for account in usable_accounts())}
        hint = f"Name one of {', '.join(sorted(names))}."
        yield from _unknown("SUPPORT_CONTACTS", settings.SUPPORT_CONTACTS, names, "account or processor", hint)


def _unknown(setting: str, given: Iterable[str], known: Collection[str], what: str, hint: str) -> Messages:
    for name in sorted(set(given) - set(known)):
        close = get_close_matches(name, known, n=1)
        yield warning(
            "W012",
            f'ENROLLMENT_ERRORS["{setting}"] has an entry for "{name}", but there is no {what} with this name, so '
            "nobody ever sees the entry.",
            f'Did you mean "{close[0]}"?' if close else hint,
        )


def _card_form(account: Account) -> CardForm:
    return account.processor.card_form(account.options, TokenizationRequest(language="en"))
