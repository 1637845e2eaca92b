"""Riders enroll with accounts from the database. Their secrets are stored elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command

from enrollment_errors.account_directory import account_names, get_account
from enrollment_errors.accounts.models import Account
from enrollment_errors.exceptions import AccountUnusable, ConfigurationError
from tests.rider import Rider


class VaultDown(Exception):
    pass


def from_a_vault_that_is_down(name: str) -> str:
    raise VaultDown(f"vault.internal: {name}-s3cr3t")


def test_a_rider_enrolls_with_an_account_of_the_database(add: Any) -> None:
    add()
    assert Rider().becomes_eligible().walks().page == "success"


def test_the_database_holds_the_name_of_a_secret_and_not_the_secret(add: Any, sandbox: Any) -> None:
    account = add()
    assert account.options["CLIENT_SECRET"] == "SANDBOX_SECRET"
    assert sandbox.state.client_secret not in json.dumps(account.options)


def test_an_account_that_is_not_in_use_is_not_there(add: Any) -> None:
    add()
    add("later", is_active=False)
    assert account_names() == ["littlepay"]
    with pytest.raises(AccountUnusable, match='"later" is not in use'):
        get_account("later")


def test_a_secret_that_is_not_there_is_told_by_its_name_and_stops_its_own_riders(add: Any) -> None:
    add()
    add("broken", CLIENT_SECRET="NOT_THERE")
    with pytest.raises(AccountUnusable, match='"broken", "CLIENT_SECRET": there is no secret named "NOT_THERE"'):
        get_account("broken")
    assert Rider().becomes_eligible(account="broken").goes_to("/enrollment/").page == "server_error"
    assert Rider().becomes_eligible().walks().page == "success"


def test_a_vault_that_cannot_be_asked_is_told_by_its_error_and_nothing_of_what_it_says(add: Any, site: Any) -> None:
    add()
    site(SECRETS=f"{__name__}.from_a_vault_that_is_down")
    with pytest.raises(AccountUnusable, match=r"cannot be looked up \(VaultDown\)") as caught:
        get_account("littlepay")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["no.such.function", 3, "enrollment_errors.conf.SETTING"])
def test_secrets_that_nobody_can_ask_for_are_a_mistake_in_the_settings(site: Any, wrong: object) -> None:
    site(SECRETS=wrong)
    with pytest.raises(ConfigurationError, match=r'"SECRETS".*function'):
        account_names()


def test_a_saved_change_takes_effect_at_once(
    add: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    account = add()
    first = get_account("littlepay")
    with django_capture_on_commit_callbacks(execute=True):
        account.options["CLIENT_ID"] = "another"
        account.save()
    assert get_account("littlepay") is not first
    with django_capture_on_commit_callbacks(execute=True):
        account.delete()
    with pytest.raises(AccountUnusable, match="no account"):
        get_account("littlepay")


@pytest.mark.django_db
def test_nothing_of_the_schema_is_missing_from_the_migrations() -> None:
    call_command("makemigrations", "--check", "--dry-run")


def test_an_account_is_called_by_its_name() -> None:
    assert str(Account(name="mountain")) == "mountain"
