"""Checks for mistakes that matter in production, but not on a developer's machine."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

import sentry_sdk
from django.urls import get_resolver
from django.views import defaults

from .. import conf
from ..account_directory import account_names, get_account
from ..exceptions import AccountUnusable
from ..processors.account import Account
from ..secret import Secret
from .lookups import DUMMY, cache_backend, cache_options, has_settings_accounts, loaded
from .messages import Messages, unusable_account, warning

_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
_REDIS = "django.core.cache.backends.redis.RedisCache"
_REDIS_TIMEOUTS = {"socket_connect_timeout", "socket_timeout"}


def check(settings: conf.Settings) -> Messages:
    yield from _error_page()
    yield from _sentry()
    yield from _amplitude(settings)
    yield from _shared_cache(settings)
    yield from _accounts(settings)


def _error_page() -> Messages:
    is_djangos = get_resolver().resolve_error_handler(500) is defaults.server_error
    if is_djangos and isinstance(loaded("500.html"), str):
        yield warning(
            "W101",
            "A rider whose request fails before it reaches this app gets a bare page in English.",
            'In ROOT_URLCONF, set handler500 = "enrollment_errors.views.handler500", or write a template 500.html.',
        )


def _sentry() -> Messages:
    client = sentry_sdk.get_client()
    if not (sentry_sdk.is_initialized() and client.dsn):
        yield warning(
            "W102",
            "Sentry is not initialized, so it does not hear about failures.",
            "Call sentry_sdk.init(dsn=…) in the settings, or silence this check if you do not use Sentry.",
        )
        return
    hooks = ["before_send"]
    if client.options.get("traces_sample_rate") or client.options.get("traces_sampler"):
        hooks.append("before_send_transaction")
    open_ = [name for name in hooks if not _is_scrubbed_by(client.options.get(name))]
    if open_:
        yield warning(
            "W107",
            "Sentry's events about your site's other pages and commands may contain secrets, because nothing removes "
            f"them in {' or '.join(open_)}.",
            f"Call sentry_sdk.init({', '.join(f'{name}=scrub_event' for name in open_)}) with "
            "enrollment_errors.redaction.scrub_event. If you have hooks of your own, call scrub_event from them.",
        )


def _is_scrubbed_by(hook: Any) -> bool:
    """Tries the hook instead of comparing it: a site may call ``scrub_event`` from its own hook."""
    if hook is None:
        return False
    secret = Secret(token_urlsafe())
    try:
        sent = hook({"message": secret.reveal(), "transaction": secret.reveal(), "level": "info"}, {})
    except Exception:  # noqa: BLE001  if the site's own hook raises, the SDK sends nothing
        return True
    return secret.reveal() not in repr(sent)


def _amplitude(settings: conf.Settings) -> Messages:
    if not settings.AMPLITUDE_API_KEY:
        yield warning(
            "W103",
            'ENROLLMENT_ERRORS["AMPLITUDE_API_KEY"] is not set, so Amplitude gets no events.',
            "Set it, or silence this check if you do not use Amplitude.",
        )


def _shared_cache(settings: conf.Settings) -> Messages:
    if cache_backend(settings.CACHE) in (_MEMORY, DUMMY):
        yield warning(
            "W104",
            f'The cache "{settings.CACHE}" is not shared. Each process fetches its own access token, and finds out by '
            "itself that the processor is down.",
            'Set ENROLLMENT_ERRORS["CACHE"] to a cache that all processes share, such as Redis.',
        )
    if cache_backend(settings.CACHE) == _REDIS and not _REDIS_TIMEOUTS <= cache_options(settings.CACHE):
        yield warning(
            "W105",
            f'If Redis hangs, the cache "{settings.CACHE}" waits for it without a limit, and riders wait with it.',
            'Add "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} to this cache in CACHES.',
        )


def _accounts(settings: conf.Settings) -> Messages:
    try:
        names = account_names()
    except Exception as wrong:  # noqa: BLE001  a site's database or vault may raise anything
        yield warning(
            "W010",
            f'The class in ENROLLMENT_ERRORS["ACCOUNTS"] cannot list the accounts ({type(wrong).__name__}).',
            "Check the database or the vault that it reads. Riders get the generic error page if their account cannot "
            "be looked up.",
        )
        return
    for name in names:
        try:
            account = get_account(name)
        except AccountUnusable as wrong:
            if not has_settings_accounts(settings):  # otherwise, the checks that always run report it
                yield unusable_account(str(wrong))
            continue
        yield from _encrypted_way(account)


def _encrypted_way(account: Account) -> Messages:
    if any(urlsplit(endpoint.base_url).scheme == "http" for endpoint in account.endpoints.values()):
        yield warning(
            "W106",
            f'Calls for the account "{account.name}" are not encrypted, so its credentials and riders\' card tokens '
            "cross the network in plain text.",
            "Use the processor's https:// address.",
        )
