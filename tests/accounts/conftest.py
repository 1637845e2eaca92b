"""A site that keeps its accounts in the database, and an operator who manages them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from enrollment_errors.accounts.models import Account

LITTLEPAY = "enrollment_errors.processors.littlepay.LittlepayProcessor"
PROVIDER = "enrollment_errors.accounts.provider.DatabaseAccounts"


@pytest.fixture
def options(sandbox: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options of an account at the sandbox. An environment variable holds its secret."""
    site(ACCOUNTS=PROVIDER)
    monkeypatch.setenv("SANDBOX_SECRET", sandbox.state.client_secret)
    return {**sandbox.account()["OPTIONS"], "CLIENT_SECRET": "SANDBOX_SECRET"}


@pytest.fixture
def add(db: None, options: dict[str, Any], django_capture_on_commit_callbacks: Any) -> Callable[..., Account]:
    def add(name: str = "littlepay", *, is_active: bool = True, **changes: Any) -> Account:
        with django_capture_on_commit_callbacks(execute=True):
            return Account.objects.create(
                name=name, processor=LITTLEPAY, is_active=is_active, options={**options, **changes}
            )

    return add


@pytest.fixture
def operator(db: None) -> Client:
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="enrollment_accounts"))
    client = Client()
    client.force_login(user)
    return client
