"""An account with a transit processor, and where a site's accounts come from."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .base import Processor


@dataclass(frozen=True, kw_only=True)
class Account:
    """As the site named and configured it."""

    name: str
    processor: type[Processor]
    options: Mapping[str, Any] = field(repr=False)
    tls_context: ssl.SSLContext | None = None
    """Made once, because the connection pool belongs to it."""


class AccountProvider(ABC):
    """Where a site's accounts come from: asked when an account is needed, by name.

    A site whose accounts live in a database, or whose secrets live in a vault, subclasses it and names the class in the
    setting ``ACCOUNTS``. It is made once a process, without arguments.
    """

    kept_for: ClassVar[float | None] = 10.0
    """Seconds for which what was given is used again, unless ``account_directory.refresh_accounts`` is called; ``None``
    is for ever."""

    @abstractmethod
    def get_account(self, name: str) -> Mapping[str, Any]:
        """``{"CLASS": dotted path of the processor, "OPTIONS": {…}}``. Raises ``LookupError`` where there is none.

        Whatever else it raises is this account's trouble alone: its riders get the server-error page, unless what was
        given before is still known.
        """

    @abstractmethod
    def get_names(self) -> Iterable[str]:
        """Of all accounts, for operators and for ``enrollment_doctor``."""


class SettingsAccounts(AccountProvider):
    """The setting ``ACCOUNTS`` as a dict: ``{name: {"CLASS": dotted path, "OPTIONS": {…}}}``."""

    kept_for = None

    def __init__(self, accounts: Mapping[str, Any]) -> None:
        self._accounts = accounts

    def get_account(self, name: str) -> Mapping[str, Any]:
        account: Mapping[str, Any] = self._accounts[name]
        return account

    def get_names(self) -> Iterable[str]:
        return self._accounts.keys()
