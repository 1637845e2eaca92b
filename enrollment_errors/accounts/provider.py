"""The accounts in the database, for the setting ``ACCOUNTS``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from ..account_directory import refresh_accounts
from ..exceptions import ConfigurationError
from ..processors.account import AccountProvider
from ..processors.base import Processor
from .models import Account
from .processors import processor_at
from .secrets import secret_named


class DatabaseAccounts(AccountProvider):
    """Set ``ACCOUNTS`` to ``"enrollment_errors.accounts.provider.DatabaseAccounts"``."""

    def get_account(self, name: str) -> Mapping[str, Any]:
        try:
            account = Account.objects.get(name=name)
        except Account.DoesNotExist:
            raise LookupError(name) from None
        if not account.is_active:
            raise ConfigurationError(f'The account "{name}" is not in use. To use it, check "In use" in the admin.')
        options = with_secrets(name, processor_at(account.processor), account.options)
        return {"CLASS": account.processor, "OPTIONS": options}

    def get_names(self) -> Iterable[str]:
        return list(Account.objects.filter(is_active=True).values_list("name", flat=True))


def with_secrets(name: str, processor: type[Processor], options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with each secret in place of its name. Raises ``ConfigurationError``."""
    found = dict(options)
    for option in processor.account_options:
        if option.is_secret and found.get(option.name):
            try:
                found[option.name] = secret_named(found[option.name]).reveal()
            except ConfigurationError as wrong:
                raise ConfigurationError(f'The account "{name}", "{option.name}": {wrong}.') from None
    return found


def connect() -> None:
    """Call it once, when Django has started: it makes each change to an account take effect in every process."""
    for signal in (post_save, post_delete):
        signal.connect(_changed, sender=Account, dispatch_uid=f"enrollment_accounts.{id(signal)}")


def _changed(using: str, **kwargs: Any) -> None:
    transaction.on_commit(refresh_accounts, using=using)
