"""Looks up the current accounts by name and keeps each for a while. An error in one account does not affect the others.

Accounts may change while the site runs: an agency is added, or a secret is rotated. So each process looks an account
up again after a while, and at once after ``refresh_accounts``, which changes the generation in the shared cache.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from typing import Any
from urllib.parse import quote

from django.core.signals import setting_changed
from django.dispatch import Signal

from . import conf
from .clock import SYSTEM_CLOCK
from .conf_values import SETTING, imported, refuse_unknown
from .exceptions import AccountUnknown, AccountUnusable, ConfigurationError
from .processors.account import Account
from .processors.base import Processor
from .redaction import raised_at
from .shared_cache import CacheDown, SharedCache

logger = logging.getLogger("enrollment_errors")

account_broke = Signal()
"""Sent when an account turns out to be unusable, once an hour across all processes, with ``account``, its name, and
``error``. Receivers may run in a rider's request."""

account_mended = Signal()
"""Sent once when the account can be used again, with ``account``."""

_GENERATION = "accounts.generation"
_TOLD_FOR = 3600.0
"""Seconds before an account that stays unusable is reported again."""


@dataclass(frozen=True)
class _Known:
    """The result of a lookup, its time (monotonic seconds), and its generation."""

    account: Account | AccountUnusable
    asked_at: float
    generation: str


def get_account(name: str) -> Account:
    """Raises ``AccountUnusable`` if the account does not exist or does not work, and ``ConfigurationError`` if the
    settings cannot be read."""
    found = _found(name)
    if isinstance(found, AccountUnusable):
        raise found.with_traceback(None)
    return found


def account_names() -> list[str]:
    """The names of all accounts. Raises ``ConfigurationError``, and anything that the site's provider raises."""
    return list(conf.get_settings().ACCOUNTS.get_names())


def usable_accounts() -> list[Account]:
    """All accounts that work. Raises what ``account_names`` raises."""
    found = [_found(name) for name in account_names()]
    return [account for account in found if isinstance(account, Account)]


def refresh_accounts() -> None:
    """Makes every process look up each account again. Call it after accounts or their secrets have changed."""
    for name, known in list(_known().items()):
        _known()[name] = replace(known, asked_at=-inf)
    with suppress(CacheDown):
        _cache().set(_GENERATION, uuid.uuid4().hex, None)


def _found(name: str) -> Account | AccountUnusable:
    kept_for = conf.get_settings().ACCOUNTS.kept_for
    known = _known().get(name)
    generation = "" if kept_for is None else _generation()
    if known is not None and (
        kept_for is None or (known.generation == generation and SYSTEM_CLOCK.monotonic() - known.asked_at < kept_for)
    ):
        return known.account
    account = _asked_for(name, before=known.account if known else None)
    _known()[name] = _Known(account, SYSTEM_CLOCK.monotonic(), generation)
    _tell(name, account, was_broken=known is not None and isinstance(known.account, AccountUnusable))
    return account


def _asked_for(name: str, *, before: Account | AccountUnusable | None) -> Account | AccountUnusable:
    """Returns errors instead of raising them: the frames below hold an account's secrets in plain text, and a traceback
    would include those frames."""
    provider = conf.get_settings().ACCOUNTS
    try:
        entry = provider.get_account(name)
    except LookupError:
        return _unknown(name)
    except ConfigurationError as wrong:
        return AccountUnusable(str(wrong))
    except Exception as error:  # noqa: BLE001  a site's database or vault may raise anything
        if isinstance(before, Account):
            logger.warning(
                'The account "%s" cannot be looked up (%s). What is already known about it stays in use.',
                name,
                type(error).__name__,
            )
            return before
        return AccountUnusable(f'The account "{name}" cannot be looked up: {type(error).__name__} at {_place(error)}.')
    try:
        return _made(name, entry)
    except ConfigurationError as wrong:
        return AccountUnusable(str(wrong))
    except Exception as error:  # noqa: BLE001  a processor may raise anything, such as for a certificate
        return AccountUnusable(f'The account "{name}" cannot be used: {type(error).__name__} at {_place(error)}.')


def _unknown(name: str) -> AccountUnusable:
    try:
        names = ", ".join(sorted(account_names()))
    except Exception as error:  # noqa: BLE001  a site's database may raise anything
        return AccountUnknown(f'There is no account "{name}". The others cannot be listed: {type(error).__name__}.')
    others = f"has only {names}" if names else "has none"
    return AccountUnknown(f'There is no account "{name}": {SETTING}["ACCOUNTS"] {others}.')


def _made(name: str, entry: Any) -> Account:
    where = f'The account "{name}"'
    if not isinstance(entry, Mapping):
        raise AccountUnusable(f'{where} must be a dict with "CLASS" and "OPTIONS", not {type(entry).__name__}.')
    refuse_unknown(where, entry, ("CLASS", "OPTIONS"))
    processor: type[Processor] = imported(f'{where}, "CLASS"', entry.get("CLASS"), Processor)
    options = entry.get("OPTIONS", {})
    if not isinstance(options, Mapping):
        raise AccountUnusable(f'{where}: "OPTIONS" must be a dict, not {type(options).__name__}.')
    problems = processor.check_options(options)
    if problems:
        raise AccountUnusable(f'{where}, "OPTIONS": {" ".join(problems)}')
    return Account(name=name, processor=processor, options=options, endpoints=processor.endpoints(options))


def _tell(name: str, account: Account | AccountUnusable, *, was_broken: bool) -> None:
    broken, mended = (f"account.{quote(name, safe='')}.{state}" for state in ("broken", "mended"))
    if isinstance(account, AccountUnusable):
        if not was_broken and _is_first(broken, _TOLD_FOR):
            with suppress(CacheDown):
                _cache().delete(mended)
            account_broke.send_robust(Account, account=name, error=account)
    elif was_broken:
        with suppress(CacheDown):
            _cache().delete(broken)
        if _is_first(mended, 60.0):
            account_mended.send_robust(Account, account=name)


def _is_first(key: str, seconds: float) -> bool:
    try:
        return _cache().claim(key, seconds, SYSTEM_CLOCK.time())
    except CacheDown:
        return True


def _generation() -> str:
    try:
        return str(_cache().get(_GENERATION))
    except CacheDown:
        return ""


def _cache() -> SharedCache:
    return SharedCache(conf.get_settings().CACHE)


def _place(error: Exception) -> str:
    return str(raised_at(error.__traceback__))


@cache
def _known() -> dict[str, _Known]:
    return {}


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == SETTING:
        _known.cache_clear()


setting_changed.connect(_forget)
