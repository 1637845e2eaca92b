"""Accounts are looked up when needed, and one broken account does not affect the others. Over real HTTP."""

from __future__ import annotations

import copy
import multiprocessing
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.management import call_command

from enrollment_errors.account_directory import (
    account_broke,
    account_mended,
    account_names,
    get_account,
    refresh_accounts,
    usable_accounts,
)
from enrollment_errors.exceptions import AccountUnusable, ConfigurationError
from enrollment_errors.processors.account import AccountProvider
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Endpoint
from enrollment_errors.shared_cache import SharedCache
from tests.rider import End, Rider

pytestmark = pytest.mark.django_db  # Django's own checks ask the database whether it supports JSON


class VaultDown(Exception):
    pass


class Accounts(AccountProvider):
    """Stands in for a site's database and vault, including their failures."""

    entries: ClassVar[dict[str, Any]] = {}
    trouble: ClassVar[Exception | None] = None
    asked: ClassVar[int] = 0
    folder: ClassVar[Path | None] = None

    def get_account(self, name: str) -> Mapping[str, Any]:
        Accounts.asked += 1
        if self.trouble is not None:
            raise self.trouble
        entry: Mapping[str, Any] = self.entries[name]
        return entry

    def get_names(self) -> Iterable[str]:
        if self.trouble is not None:
            raise self.trouble
        return list(self.entries)


class AccountsThatCannotBeMade(Accounts):
    def __init__(self) -> None:
        raise VaultDown("s3cr3t")


class BrokenCertificate(LittlepayProcessor):
    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=options["CLIENT_SECRET"])  # not a certificate
        return {"api": Endpoint(base_url=options["BASE_URL"], tls_context=context)}


@pytest.fixture
def entry(site: Any, settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"])
    return found


@pytest.fixture
def stored(site: Any, entry: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> type[Accounts]:
    """The site keeps its accounts elsewhere, and has one."""
    monkeypatch.setattr(Accounts, "entries", {"littlepay": entry})
    monkeypatch.setattr(Accounts, "trouble", None)
    monkeypatch.setattr(Accounts, "asked", 0)
    site(ACCOUNTS=f"{__name__}.Accounts")
    return Accounts


def opens_the_page(account: str) -> End:
    return Rider().becomes_eligible(account=account).goes_to("/enrollment/")


def with_options(entry: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    return {**entry, "OPTIONS": {**entry["OPTIONS"], **options}}


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda entry: 1, ["a dict", "CLASS", "OPTIONS"]),
        (lambda entry: {**entry, "CLAS": 1}, ['"CLAS"', 'Did you mean "CLASS"?']),
        (lambda entry: {**entry, "OPTIONS": 1}, ["OPTIONS", "a dict"]),
        (lambda entry: {**entry, "CLASS": 1}, ["CLASS", "dotted path", "int"]),
        (lambda entry: {**entry, "CLASS": "no.such.Processor"}, ["CLASS", "cannot be imported"]),
        (lambda entry: {**entry, "CLASS": "enrollment_errors.adapter.Adapter"}, ["not a subclass", "Processor"]),
        (lambda entry: with_options(entry, CLIENT_SECRET=""), ["CLIENT_SECRET", "missing"]),
        (lambda entry: with_options(entry, CLIENT_SECRETS="s3cr3t"), ["CLIENT_SECRETS", "not an option"]),
        (lambda entry: with_options(entry, API_VERSION=1), ["API_VERSION", "string"]),
        (lambda entry: with_options(entry, CARD_FORM_OPTIONS=1), ["CARD_FORM_OPTIONS", "dict"]),
        (lambda entry: {**entry, "CLASS": f"{__name__}.BrokenCertificate"}, ["SSLError", "test_accounts.py"]),
    ],
)
def test_a_mistake_in_an_account_names_itself_and_is_told_by_the_check_that_stops_no_command(
    site: Any, entry: dict[str, Any], mistake: Callable[[dict[str, Any]], Any], words: list[str]
) -> None:
    site(ACCOUNTS={"littlepay": entry, "broken": mistake(entry)})
    with pytest.raises(AccountUnusable) as caught:
        get_account("broken")
    for word in ['"broken"', *words]:
        assert word in str(caught.value)
    assert "tests-client-secret" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    told = StringIO()
    call_command("check", stderr=told)
    assert "enrollment_errors.W010" in told.getvalue()
    assert str(caught.value) in told.getvalue()


class TestABrokenAccount:
    @pytest.fixture(autouse=True)
    def two_accounts(self, site: Any, entry: dict[str, Any]) -> None:
        site(ACCOUNTS={"littlepay": entry, "broken": {**entry, "CLASS": f"{__name__}.BrokenCertificate"}})

    def test_stops_its_own_riders_on_the_generic_page_and_nobody_else(self, telemetry: Any) -> None:
        ends = [opens_the_page("broken") for _ in range(3)]
        assert [(end.page, end.status) for end in ends] == [("server_error", 500)] * 3
        assert Rider().becomes_eligible().walks().page == "success"

    def test_is_told_to_operators_once_and_each_rider_under_a_reference(self, telemetry: Any) -> None:
        ends = [opens_the_page("broken") for _ in range(3)]
        telemetry.settle(amplitude=3)
        [told] = [event for event in telemetry.sentry if "broken" in str(event.get("logentry") or event.get("message"))]
        assert told["tags"]["enrollment.account"] == "broken"
        assert len(telemetry.sentry) == 1
        assert len({end.reference for end in ends}) == 3
        assert [event["event_properties"]["error"] for event in telemetry.amplitude] == ["account_unusable"] * 3

    def test_is_not_among_those_that_can_be_used(self) -> None:
        assert account_names() == ["littlepay", "broken"]
        assert [account.name for account in usable_accounts()] == ["littlepay"]


def test_an_account_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(AccountUnusable, match=r'"paypal".*littlepay'):
        get_account("paypal")


class TestAccountsThatLiveElsewhere:
    def test_are_asked_for_once_in_a_while(self, stored: type[Accounts], time_machine: Any) -> None:
        first = get_account("littlepay")
        assert get_account("littlepay") is first
        assert stored.asked == 1

    def test_are_asked_for_again_after_that(self, stored: type[Accounts], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Accounts, "kept_for", 0.0)
        assert get_account("littlepay") is not get_account("littlepay")

    def test_can_be_added_while_the_site_runs(self, stored: type[Accounts], entry: dict[str, Any]) -> None:
        assert opens_the_page("new").page == "server_error"
        stored.entries["new"] = entry
        refresh_accounts()
        assert Rider().becomes_eligible(account="new").walks().page == "success"

    def test_have_a_rotated_secret_at_once(self, stored: type[Accounts], sandbox: Any, entry: dict[str, Any]) -> None:
        assert Rider().becomes_eligible().walks().page == "success"
        sandbox.state.client_secret = "rotated"
        sandbox.state.revoke_api_tokens()
        stored.entries["littlepay"] = with_options(entry, CLIENT_SECRET="rotated")
        refresh_accounts()
        assert Rider().becomes_eligible().walks().page == "success"

    def test_are_asked_for_again_where_another_process_says_so(
        self, stored: type[Accounts], settings: Any, tmp_path: Path
    ) -> None:
        settings.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
        }
        first = get_account("littlepay")
        other = multiprocessing.get_context("fork").Process(target=refresh_accounts)
        other.start()
        other.join()
        assert other.exitcode == 0
        assert get_account("littlepay") is not first

    def test_go_on_as_they_were_known_while_they_cannot_be_asked_for(
        self, stored: type[Accounts], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(Accounts, "kept_for", 0.0)
        before = get_account("littlepay")
        monkeypatch.setattr(Accounts, "trouble", VaultDown("vault.internal: s3cr3t"))
        assert get_account("littlepay") is before
        assert "VaultDown" in caplog.text
        assert "s3cr3t" not in caplog.text

    def test_that_were_never_known_are_unusable_while_they_cannot_be_asked_for(
        self, stored: type[Accounts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Accounts, "trouble", VaultDown("s3cr3t"))
        end = opens_the_page("littlepay")
        assert (end.page, end.status) == ("server_error", 500)
        with pytest.raises(AccountUnusable, match=r"VaultDown at .*test_accounts\.py"):
            get_account("littlepay")

    def test_are_reported_even_if_their_names_cannot_be_read(
        self, stored: type[Accounts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Accounts, "get_names", lambda self: [][0])
        with pytest.raises(AccountUnusable, match="IndexError"):
            get_account("paypal")

    def test_are_reported_where_there_are_none_at_all(self, stored: type[Accounts]) -> None:
        stored.entries.clear()
        with pytest.raises(AccountUnusable, match=r'There is no account "paypal": .* has none\.$'):
            get_account("paypal")

    def test_tell_when_one_breaks_and_when_it_is_mended(
        self, stored: type[Accounts], entry: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []

        def hear(signal: Any, account: str, **kwargs: Any) -> None:
            told.append(f"{account} {'broke' if signal is account_broke else 'mended'}")

        account_broke.connect(hear)
        account_mended.connect(hear)
        try:
            broken = {"CLIENT_SECRET": ""}
            for options in ({}, broken, broken, {}, {}, broken, {}):
                stored.entries["littlepay"] = with_options(entry, **options)
                refresh_accounts()
                with suppress(AccountUnusable):
                    get_account("littlepay")
        finally:
            account_broke.disconnect(hear)
            account_mended.disconnect(hear)
        assert told == ["littlepay broke", "littlepay mended"] * 2

    def test_tell_once_of_one_that_several_processes_find_mended(
        self, stored: type[Accounts], entry: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        stored.entries["littlepay"] = with_options(entry, CLIENT_SECRET="")
        with pytest.raises(AccountUnusable):
            get_account("littlepay")
        stored.entries["littlepay"] = entry
        refresh_accounts()
        assert SharedCache("default").claim("account.littlepay.mended", 60, time.time())  # as another process would
        assert get_account("littlepay").name == "littlepay"
        assert "can be used again" not in caplog.text

    def test_whose_class_cannot_be_made_are_told_by_the_error_and_the_place(
        self, stored: type[Accounts], site: Any
    ) -> None:
        site(ACCOUNTS=f"{__name__}.AccountsThatCannotBeMade")
        with pytest.raises(ConfigurationError, match=r"VaultDown at .*test_accounts\.py") as caught:
            account_names()
        assert "s3cr3t" not in str(caught.value)

    def test_are_left_alone_by_the_checks_before_every_command(
        self, stored: type[Accounts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        call_command("check")
        assert stored.asked == 0

    def test_are_looked_at_by_the_checks_for_production(self, stored: type[Accounts], entry: dict[str, Any]) -> None:
        stored.entries["broken"] = with_options(entry, CLIENT_SECRET="")
        assert '"broken"' in deployment_checks()

    def test_that_cannot_be_asked_for_are_told_by_the_checks_for_production(
        self, stored: type[Accounts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Accounts, "trouble", VaultDown("s3cr3t"))
        told = deployment_checks()
        assert "cannot list the accounts (VaultDown)" in told
        assert "s3cr3t" not in told


def test_a_broken_account_of_the_settings_is_told_once_for_production_too(site: Any, entry: dict[str, Any]) -> None:
    site(ACCOUNTS={"littlepay": entry, "broken": with_options(entry, CLIENT_SECRET="")})
    assert deployment_checks().count('"broken"') == 1


def deployment_checks() -> str:
    told = StringIO()
    call_command("check", deploy=True, stderr=told)
    return told.getvalue()


def test_without_a_cache_accounts_are_asked_for_all_the_same(
    stored: type[Accounts], entry: dict[str, Any], site: Any, settings: Any
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    stored.entries["littlepay"] = with_options(entry, CLIENT_SECRET="")
    with pytest.raises(AccountUnusable):
        get_account("littlepay")
    stored.entries["littlepay"] = entry
    refresh_accounts()
    assert get_account("littlepay").name == "littlepay"
