"""What a site's own pages learn when they ask whether riders can enroll."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.template import Context, Template
from django.utils.timezone import now

from enrollment_errors.account_directory import get_account
from enrollment_errors.availability import AVAILABLE, Source, availability, notices, register, switch_of
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.doctor.site import TellingAdapter
from tests.rider import Rider
from tests.transport.brittle_cache import BrittleCache

ENROLLMENT = next(iter(TellingAdapter().get_enrollments_to_check()))


def fails(endpoint: str, status: int, sandbox: SandboxServer) -> None:
    """One more rider runs into this failure."""
    sandbox.faults.set(endpoint, Fault(kind="status", status=status))
    Rider().becomes_eligible().enrolls()


@pytest.fixture(autouse=True)
def patient(site: Any) -> None:
    site(ATTEMPTS=1)


def test_it_is_there_while_nothing_is_known(site: Any) -> None:
    assert availability(ENROLLMENT) == availability(get_account("littlepay")) == availability("littlepay") == AVAILABLE
    assert switch_of(ENROLLMENT) is None


def test_an_account_that_is_missing_or_broken_is_not_available(site: Any, settings: Any) -> None:
    assert availability("coast").why == "account_unknown"

    accounts = settings.ENROLLMENT_ERRORS["ACCOUNTS"]
    site(ACCOUNTS={"littlepay": {**accounts["littlepay"], "OPTIONS": {}}})

    assert availability("littlepay").why == "account_unusable"
    [notice] = [notice for notice in notices() if notice.account]
    assert (notice.why, notice.is_failure) == ("account_unusable", True)


class TestFailuresInARow:
    def test_two_riders_with_one_cause_are_news(self, sandbox: SandboxServer) -> None:
        fails("link", 404, sandbox)
        assert availability("littlepay").is_available

        fails("link", 404, sandbox)

        assert availability(ENROLLMENT).why == "request_refused"
        assert availability("littlepay").is_available  # riders of other groups may succeed
        [notice] = [notice for notice in notices() if notice.account]
        assert notice.text.startswith("Group group-seniors: 2 riders in a row failed, and none succeeded since: ")

    def test_one_rider_does_not_speak_for_all(self, rider: Rider, sandbox: SandboxServer) -> None:
        sandbox.faults.set("link", Fault(kind="status", status=404))
        for _ in range(3):
            rider.enrolls()

        assert availability("littlepay").is_available

    def test_a_refused_credential_is_news_at_once(self, sandbox: SandboxServer) -> None:
        fails("authorization", 401, sandbox)

        assert availability("littlepay").why == "credentials_refused"

    def test_different_causes_are_no_row(self, sandbox: SandboxServer) -> None:
        fails("link", 404, sandbox)
        fails("link", 422, sandbox)
        fails("link", 403, sandbox)

        assert availability("littlepay").is_available

    def test_a_success_ends_it(self, sandbox: SandboxServer) -> None:
        fails("link", 404, sandbox)
        sandbox.faults.clear()
        Rider().becomes_eligible().enrolls()
        fails("link", 404, sandbox)

        assert availability("littlepay").is_available

    def test_what_a_card_may_be_to_blame_for_does_not_count(self, sandbox: SandboxServer) -> None:
        fails("lookup", 404, sandbox)
        fails("lookup", 404, sandbox)

        assert availability("littlepay").is_available

    def test_what_browsers_tell_does_not_count(self, site: Any) -> None:
        for _ in range(3):
            rider = Rider().becomes_eligible()
            rider.opens_the_page()
            rider.tells("failed", 500)

        assert availability("littlepay").is_available

    def test_riders_are_let_in_again_after_an_hour_and_operators_still_know(self, sandbox: SandboxServer) -> None:
        with time_machine.travel(now() - timedelta(minutes=61)):
            fails("authorization", 401, sandbox)

        assert availability("littlepay").is_available
        assert [notice.why for notice in notices() if notice.account] == ["credentials_refused"]

    @pytest.mark.django_db
    def test_the_watch_ends_it_where_it_finds_that_credentials_work(self, sandbox: SandboxServer) -> None:
        from enrollment_errors.watch.watching import watch

        fails("authorization", 401, sandbox)
        sandbox.faults.clear()
        watch()

        assert availability("littlepay").is_available


def test_without_cache_and_database_it_is_there(site: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrittleCache, "is_down", True)
    settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
    site(CACHE="broken")

    assert availability("littlepay") == AVAILABLE


class Wrong(Source):
    def get_switch(self, target: Any, glance: Any = None) -> None:
        raise LookupError


@pytest.fixture
def source() -> Any:
    from enrollment_errors import availability as module

    before = module._source
    yield register
    register(before)


def test_it_never_raises(site: Any, source: Callable[[Source], None], caplog: pytest.LogCaptureFixture) -> None:
    source(Wrong())

    assert availability("littlepay") == AVAILABLE
    assert switch_of(ENROLLMENT) is None
    assert "cannot tell whether riders can enroll (LookupError)" in caplog.text


def test_a_site_without_the_watch_knows_what_the_core_knows(
    sandbox: SandboxServer, source: Callable[[Source], None]
) -> None:
    source(Source())
    fails("authorization", 401, sandbox)

    assert availability(ENROLLMENT).why == "credentials_refused"
    assert [notice.why for notice in notices()] == ["credentials_refused"]


def test_a_template_says_it_before_riders_prove_who_they_are(sandbox: SandboxServer) -> None:
    page = Template(
        "{% load enrollment_errors %}{% enrollment_availability 'littlepay' agency='mountain' as enrolling %}"
        "{% include 'enrollment_errors/unavailable.html' %}"
    )
    assert page.render(Context()).strip() == ""

    fails("authorization", 401, sandbox)

    assert "You cannot enroll right now" in page.render(Context())
