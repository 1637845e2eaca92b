"""Accounts whose names nobody can find out, and none at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from enrollment_errors.processors.account import AccountProvider


class NoAccounts(AccountProvider):
    def get_account(self, name: str) -> Mapping[str, Any]:
        raise LookupError

    def get_names(self) -> Iterable[str]:
        raise LookupError("a vault that is closed")


class EmptyAccounts(NoAccounts):
    """Nobody has added an account yet."""

    def get_names(self) -> Iterable[str]:
        return []
