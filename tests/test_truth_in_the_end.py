"""Once a card is linked, or may be, the rider reaches the page that says so, and each outcome is reported once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpRequest
from django.utils import translation

from enrollment_errors.incidents.models import DayCount, Ending
from enrollment_errors.reporting.signals import enrollment_succeeded
from enrollment_errors.sandbox.faults import Fault
from tests import site as test_site
from tests.rider import End, Rider


class LockedSessions(DatabaseSessions):
    """A site's sessions while another process locks the database: we can read them but not write them."""

    is_locked = False

    def save(self, must_create: bool = False) -> None:
        if LockedSessions.is_locked and not must_create:
            raise OperationalError("database is locked")
        super().save(must_create)

    @classmethod
    def get_model_class(cls) -> Any:
        return Session


SessionStore = LockedSessions


@pytest.fixture
def sessions_in_database(settings, db):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.SESSION_SAVE_EVERY_REQUEST = True


@pytest.fixture
def on_success(monkeypatch) -> Callable[[Callable[..., None]], None]:
    """Sets the site's hook."""

    def is_this(hook: Callable[..., None]) -> None:
        monkeypatch.setattr(test_site.TestAdapter, "on_success", lambda self, *args: hook(*args))

    return is_this


class TestAnEnrollmentWhoseSession:
    def test_row_is_deleted_meanwhile_ends_on_the_success_page(
        self, sandbox, sessions_in_database, rider, on_success, telemetry
    ):
        rider.opens_the_page()
        on_success(lambda request, *rest: Session.objects.all().delete())
        assert rider.sends_the_form().page == "success"
        telemetry.settle(amplitude=1)
        assert [event["tags"].get("enrollment.site_code") for event in telemetry.sentry] == ["saving the session"]

    def test_database_is_locked_ends_on_the_success_page(self, sandbox, settings, db, rider, monkeypatch):
        settings.SESSION_ENGINE = __name__
        settings.SESSION_SAVE_EVERY_REQUEST = True
        rider.becomes_eligible().opens_the_page()
        monkeypatch.setattr(LockedSessions, "is_locked", True)
        end = rider.sends_the_form()
        assert (end.page, end.status) == ("success", 200)

    def test_is_flushed_in_another_tab_leaves_a_lost_link_to_be_settled_from_its_page(
        self, sandbox, sessions_in_database, rider
    ):
        sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
        sandbox.faults.set("groups", Fault(kind="reset"))
        rider.becomes_eligible().opens_the_page()
        end = rider.sends_the_form()
        Session.objects.all().delete()
        sandbox.faults.clear()
        assert rider.goes_to(end.url).page == "still_checking"
        assert rider.checks_again(end).page == "success"
        assert sandbox.calls["link"] == 1

    def test_belongs_to_a_rider_who_has_hung_up_keeps_what_the_site_has_put_into_it(
        self, sandbox, sessions_in_database, rider, on_success
    ):
        """The middleware that saves the session no longer runs, so the view has to save it."""
        kept: list[Any] = []

        def hook(request: HttpRequest, *rest: Any) -> None:
            request.session["enrolled"] = True
            save = request.session.save
            request.session.save = lambda: (save(), kept.append(Session.objects.get().get_decoded().get("enrolled")))

        rider.becomes_eligible().opens_the_page()
        on_success(hook)
        assert rider.sends_the_form().page == "success"
        assert kept[0] is True


class TestTheSitesHook:
    @pytest.fixture
    def atomic_requests(self, monkeypatch, transactional_db):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    def test_may_fail_at_commit_and_the_rider_is_led_to_success(
        self, sandbox, rider, on_success, atomic_requests, telemetry
    ):
        """The database checks this constraint only at the end of the transaction."""
        on_success(lambda *args: DayCount.objects.create(ending_id=999, day="2026-01-01", last_at="2026-01-01T00:00Z"))
        end = rider.enrolls()
        assert (end.page, end.status) == ("success", 200)
        telemetry.settle(amplitude=1)
        assert [event["tags"].get("enrollment.site_code") for event in telemetry.sentry] == ["Adapter.on_success"]
        assert not DayCount.objects.exists()

    def test_leaves_alone_what_the_site_wrote_before_it_failed(
        self, sandbox, rider, on_success, atomic_requests, telemetry
    ):
        def fails(*args: Any) -> None:
            Ending.objects.create(key="second", first_at="2026-01-01T00:00Z")
            raise DatabaseError("the site's own bug")

        def before(**kwargs: Any) -> None:
            Ending.objects.create(key="first", first_at="2026-01-01T00:00Z")

        enrollment_succeeded.connect(before)
        try:
            on_success(fails)
            with transaction.atomic():
                assert rider.enrolls().page == "success"
        finally:
            enrollment_succeeded.disconnect(before)
        assert [ending.key for ending in Ending.objects.all()] == ["first"]


@pytest.fixture
def hooks(on_success) -> list[str]:
    """The references of the successes that the site's hook received."""
    told: list[str] = []
    on_success(lambda request, enrollment, result: told.append(result.reference))
    return told


class TestTwoRequestsAtOnce:
    def test_of_a_double_click_link_once_and_end_on_the_same_success(self, sandbox, site, hooks, telemetry):
        rider = Rider().becomes_eligible(expires=True)
        rider.opens_the_page()
        sandbox.faults.set("link", Fault(kind="delay", seconds=0.3, times=1))
        ends = at_once(rider, lambda tab: tab.sends_the_form())
        assert [end.page for end in ends] == ["success", "success"]
        assert len({end.url for end in ends}) == 1
        assert len(sandbox.state.groups["group-seniors"].links) == 1
        assert (len(hooks), len(telemetry.records)) == (1, 1)

    def test_of_checking_again_tell_the_site_once(self, sandbox, rider, hooks, telemetry):
        sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        sandbox.faults.set("groups", Fault(kind="delay", seconds=0.2))
        ends = at_once(rider, lambda tab: tab.checks_again(end))
        assert {again.page for again in ends} == {"success"}
        assert len(hooks) == 1
        assert Counter(record.outcome for record in telemetry.records) == {"unknown": 1, "success": 1}

    def test_of_checking_again_without_a_session_tell_the_site_once_too(self, sandbox, rider, hooks, telemetry):
        sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        del rider.client.cookies["sessionid"]
        sandbox.faults.set("groups", Fault(kind="delay", seconds=0.2))
        ends = at_once(rider, lambda tab: tab.checks_again(end))
        assert {again.page for again in ends} == {"success"}
        assert len(hooks) == 1
        assert len({record.outcome: record for record in telemetry.records}) == len(telemetry.records) == 2

    def test_of_a_second_click_after_the_first_has_ended_are_one_success_too(self, sandbox, site, hooks):
        rider = Rider().becomes_eligible(expires=True)
        rider.opens_the_page()
        second = another_tab(rider)
        assert rider.sends_the_form().page == "success"
        assert second.sends_the_form().page == "success"
        assert len(hooks) == 1

    def test_of_two_riders_who_share_a_card_link_once(self, sandbox, site):
        riders = [Rider().becomes_eligible() for _ in range(2)]
        for one in riders:
            one.opens_the_page()
        sandbox.faults.set("link", Fault(kind="delay", seconds=0.3, times=1))
        assert [end.page for end in in_threads(one.sends_the_form for one in riders)] == ["success", "success"]
        assert sandbox.calls["link"] == 1


class TestTheSitesErrorHandler:
    @pytest.mark.parametrize(("spoken", "wanted"), [("es", "en"), ("en", "es")])
    def test_speaks_the_riders_language_and_not_that_of_the_thread(self, rf, settings, spoken, wanted):
        from enrollment_errors.views import handler500

        words = {"en": "Something went wrong on our side", "es": "Algo salió mal de nuestra parte"}
        with translation.override(spoken):
            page = handler500(rf.get("/enrollment/", headers={"accept-language": wanted})).content.decode()
        assert words[wanted] in page
        assert f'lang="{wanted}"' in page

    def test_speaks_the_sites_language_where_the_site_asks_no_browser(self, rf, settings):
        from enrollment_errors.views import handler500

        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "Locale" not in path]
        with translation.override("es"):
            page = handler500(rf.get("/enrollment/", headers={"accept-language": "es"})).content.decode()
        assert 'lang="en"' in page


def another_tab(rider: Rider) -> Rider:
    tab = Rider()
    tab.client.cookies = SimpleCookie({name: cookie.value for name, cookie in rider.client.cookies.items()})
    return tab.goes_back_to(rider.page)


def at_once(rider: Rider, click: Callable[[Rider], End]) -> list[End]:
    tabs = [another_tab(rider), another_tab(rider)]
    return in_threads((lambda tab=tab: click(tab)) for tab in tabs)


def in_threads(jobs: Iterator[Callable[[], End]]) -> list[End]:
    ends: list[End] = []
    threads = [threading.Thread(target=lambda job=job: ends.append(job())) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends
