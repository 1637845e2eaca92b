"""Claims keep links to one at a time, even when the cache, the session, or a clock fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.sessions.backends import db as engine
from django.contrib.sessions.backends.base import CreateError
from django.core.cache import cache
from django.urls import resolve

from enrollment_errors.claims import LinkClaim
from enrollment_errors.clock import SYSTEM_CLOCK
from enrollment_errors.decorators import session_of
from enrollment_errors.outcomes import Outcome
from enrollment_errors.processors.types import FundingSource
from enrollment_errors.results import PendingLink
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.views import END_PAGES
from tests import site as test_site
from tests.rider import CARD_TOKEN, Rider
from tests.test_redirect_flow import GatewayRider, gateway  # noqa: F401  a fixture
from tests.transport.brittle_cache import BrittleCache

LOST = Fault(kind="reset", after_effect=True)


@pytest.fixture
def brittle(settings):
    settings.CACHES = {"default": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}


def claim() -> LinkClaim:
    wanted = PendingLink(
        account="littlepay", group_id="g", funding_source=FundingSource(id="card"), expires_at=None, sent_at=0.0
    )
    return LinkClaim(wanted, rider="rider", cache="default", quiet=300, clock=SYSTEM_CLOCK)


class TestWithoutTheCache:
    def test_riders_are_enrolled_all_the_same(self, sandbox, brittle, rider, monkeypatch):
        monkeypatch.setattr(BrittleCache, "is_down", True)
        assert rider.enrolls().page == "success"

    def test_a_lost_link_is_known_by_the_riders_own_cookie(self, sandbox, brittle, rider, monkeypatch):
        monkeypatch.setattr(BrittleCache, "is_down", True)
        sandbox.faults.set("link", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        assert rider.checks_again(end).page == "still_checking"
        assert rider.enrolls().page == "still_checking"
        assert sandbox.calls["link"] == 1

    def test_nobody_waits_for_a_claim_that_cannot_be_read(self, brittle, monkeypatch):
        monkeypatch.setattr(BrittleCache, "is_down", True)
        assert claim().wait(5) is None
        assert claim().told() is None
        assert claim().tell("H7P-2QX-9MR") is None


class TestAClaim:
    def test_that_an_emptied_cache_has_lost_is_known_by_the_riders_own_cookie(self, sandbox, rider):
        sandbox.faults.set("link", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        cache.clear()
        assert rider.checks_again(end).page == "still_checking"
        assert sandbox.calls["link"] == 1

    @pytest.mark.parametrize("value", ["junk", [], ["lost", "soon"], ["lost", time.time() + 3600], ["lost", 0.0]])
    def test_that_makes_no_sense_belongs_to_nobody(self, value: Any):
        mine = claim()
        assert mine.make()
        cache.set(f"enrollment_errors.{mine._key}", value)
        assert mine.wait(5) is None
        assert mine.make()

    def test_that_stays_under_way_is_waited_for_no_longer_than_one_has_time(self):
        assert claim().make()
        sent_at = claim().wait(0.1)
        assert sent_at is not None
        assert not claim().make()

    def test_of_a_link_that_failed_is_waited_for_no_longer(self):
        mine = claim()
        assert mine.make()
        mine.free()
        assert claim().wait(60) is None

    def test_that_was_told_is_told_under_its_first_reference(self):
        assert claim().tell("H7P-2QX-9MR") is None
        told = claim().tell("59M-RJH-PFW")
        assert told is not None
        assert told.reference == "H7P-2QX-9MR"


class TestTheClaimOfASuccessThatWasTold:
    def made_and_told(self) -> None:
        mine = claim()
        assert mine.make()
        assert mine.tell("H7P-2QX-9MR") is None

    def test_costs_the_cache_one_operation_to_make_and_one_to_tell(self, operations: list[str]):
        self.made_and_told()
        assert operations == ["add", "add"]

    def test_gives_way_at_once_and_only_once(self):
        self.made_and_told()
        assert claim().make()
        assert not claim().make()

    def test_is_waited_for_no_longer(self):
        self.made_and_told()
        assert claim().wait(60) is None
        assert claim().make()

    def test_gives_way_to_one_of_those_who_come_at_once(self):
        for _ in range(20):
            cache.clear()
            self.made_and_told()
            with ThreadPoolExecutor(8) as threads:
                made = list(threads.map(lambda _: claim().make(), range(8)))
            assert made.count(True) == 1

    def test_that_another_was_told_of_before_is_free_at_once(self):
        self.made_and_told()
        mine = claim()
        assert mine.make()
        told = mine.tell("59M-RJH-PFW")
        assert told is not None
        assert told.reference == "H7P-2QX-9MR"
        assert cache.get(f"enrollment_errors.{mine._key}") is None


class TestCheckingAgain:
    def test_denies_no_card_where_the_account_is_gone_meanwhile(self, sandbox, rider, site, settings):
        sandbox.faults.set("link", Fault(kind="reset"))
        end = rider.enrolls()
        [account] = settings.ENROLLMENT_ERRORS["ACCOUNTS"].values()
        site(ACCOUNTS={"another": account})
        again = rider.checks_again(end)
        assert again.page == "still_checking"


class TestTheSession:
    def test_that_cannot_be_written_leaves_the_page(self, sandbox, settings, db, site, monkeypatch):
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
        rider = Rider().becomes_eligible()

        def locked(*args: Any, **kwargs: Any) -> None:
            raise OSError("the site's own store")

        monkeypatch.setattr(engine.SessionStore, "save", locked)
        assert rider.goes_to("/enrollment/").page == "enroll"

    def test_that_a_site_makes_anew_may_still_find_another_key(self, site, settings, db, monkeypatch):
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
        rider = Rider().becomes_eligible()
        save, collisions = engine.SessionStore.save, []

        def collides_once(self: Any, must_create: bool = False) -> None:
            if must_create and not collisions:
                collisions.append(True)
                raise CreateError
            save(self, must_create)

        monkeypatch.setattr(engine.SessionStore, "save", collides_once)
        monkeypatch.setattr(
            test_site.TestAdapter, "get_page_context", lambda self, request, page: request.session.cycle_key() or {}
        )
        assert rider.goes_to("/enrollment/").page == "enroll"
        assert collisions

    def test_is_not_needed_for_a_page(self, rf, site):
        request = rf.get("/enrollment/success/")
        request.resolver_match = resolve("/enrollment/")
        assert END_PAGES[Outcome.SUCCESS](request).status_code == 302
        assert session_of(request).identity().user_id


class TestWhatIsKept:
    def test_of_a_visit_to_the_processors_site_is_used_again(self, gateway):  # noqa: F811
        rider = GatewayRider().becomes_eligible(account="gateway")
        assert rider.registers().asks_for_token().json() == rider.asks_for_token().json()
        assert len(gateway.registrations) == 1

    def test_is_never_longer_than_a_cookie_may_be(self, sandbox, rider, caplog):
        long = "x" * 4_000
        sandbox.faults.set(
            "tokenization", Fault(kind="status", status=200, body=f'{{"access_token": "{long}", "expires_in": 600}}')
        )
        response = rider.asks_for_token()
        assert response.json()["token"] == long
        assert "enrollment_access" not in response.cookies
        assert "too long" in caplog.text

    def test_of_a_card_is_nothing_that_tells_its_token(self, sandbox, rider):
        rider.enrolls()
        assert CARD_TOKEN not in str(rider.client.cookies)
