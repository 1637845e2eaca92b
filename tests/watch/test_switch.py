"""A switch, set in the admin or by a command, decides whether riders can enroll, and what they read meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.test import Client
from django.utils.timezone import now

from enrollment_errors.availability import availability, notices
from enrollment_errors.incidents.buffer import on_demand
from enrollment_errors.incidents.models import DayCount, Incident
from enrollment_errors.incidents.overview import FAULTS, causes, days_since
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.watch.models import Switch
from tests.incidents.conftest import keeping  # noqa: F401  a fixture
from tests.rider import Rider, Telemetry

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 30, 16, 0, tzinfo=timezone.utc)
MESSAGES = {"en": "Back on Monday at 8.", "es": "Volvemos el lunes a las 8."}


def set_switch(**changes: Any) -> Switch:
    return Switch.objects.create(**{"account": "littlepay", "set_by": "Ana", "messages": MESSAGES, **changes})


class TestARider:
    def test_reads_on_the_enroll_page_what_the_operator_wrote(self, rider: Rider) -> None:
        set_switch(ends=now() + timedelta(days=2))

        page = rider.opens_the_page().text

        assert "You cannot enroll right now" in page
        assert "Back on Monday at 8." in page
        assert "You can enroll from" in page
        assert "Come back then" in page

    def test_reads_it_in_their_language(self, site: Any) -> None:
        set_switch()

        assert "Volvemos el lunes a las 8." in Rider(language="es-mx").becomes_eligible().opens_the_page().text

    def test_with_the_page_open_already_gets_the_system_error_page_before_any_call(
        self, rider: Rider, sandbox: SandboxServer
    ) -> None:
        rider.opens_the_page()
        set_switch()
        end = rider.enrolls()

        assert (end.page, end.status) == ("system_error", 503)
        assert "Back on Monday at 8." in end.text
        assert not sandbox.calls

    def test_gets_no_token(self, rider: Rider, sandbox: SandboxServer) -> None:
        rider.opens_the_page()
        set_switch()
        response = rider.posts_as_the_script("/enrollment/token/", {})

        assert (response.status_code, response.json()["errors"][0]["code"]) == (503, "switched_off")
        assert not sandbox.calls

    def test_without_words_of_the_operator_reads_ours(self, rider: Rider) -> None:
        set_switch(messages={})
        page = rider.opens_the_page().text

        assert "Cards cannot be enrolled for now." in page
        assert "If it still does not work, come back later today or tomorrow." in page

    def test_of_another_agency_enrolls(self, rider: Rider) -> None:
        set_switch(account="", agency="coast")
        assert rider.enrolls().page == "success"

        other = Rider().becomes_eligible()
        other.opens_the_page()
        set_switch(account="", agency="mountain")
        assert other.enrolls().page == "system_error"

    def test_enrolls_when_it_has_ended_by_itself_and_before_it_begins(self, site: Any) -> None:
        set_switch(begins=now() - timedelta(hours=2), ends=now() - timedelta(hours=1))
        set_switch(begins=now() + timedelta(hours=1), ends=now() + timedelta(hours=2))

        assert Rider().becomes_eligible().enrolls().page == "success"

    def test_is_no_fault_for_operators_and_fills_no_list(
        self,
        site: Any,
        telemetry: Telemetry,
        keeping: None,  # noqa: F811  the fixture
    ) -> None:
        rider = Rider().becomes_eligible()
        rider.opens_the_page()
        set_switch()
        with on_demand() as sender:
            rider.enrolls()
            telemetry.settle(amplitude=1)
            sender.flush()

        assert telemetry.sentry == []
        assert not [record for record in telemetry.records if record.levelname == "ERROR"]
        assert (Incident.objects.count(), DayCount.objects.get().count) == (0, 1)
        assert causes(days_since(DayCount.day_of(now())), {}, outcomes=FAULTS) == []


class TestStaff:
    def test_read_who_has_set_it_and_what_riders_are_told(self, site: Any) -> None:
        set_switch(ends=now() + timedelta(days=2))
        staff = Rider(base="/staff/").becomes_eligible()

        page = staff.opens_the_page().text

        assert "Riders cannot be enrolled right now" in page
        assert "Ana switched enrollment off, from" in page
        assert "Riders can be enrolled again from" in page
        assert "Back on Monday at 8." in page
        assert "Ask the rider to come back when enrollment is on again." in page

    def test_read_it_on_the_system_error_page_too(self, site: Any) -> None:
        staff = Rider(base="/staff/").becomes_eligible()
        staff.opens_the_page()
        set_switch()

        assert "Ana switched enrollment off, from" in staff.enrolls().text


class TestOnForATest:
    def test_calls_are_made_though_the_circuit_is_open(self, site: Any, sandbox: SandboxServer) -> None:
        site(BREAKER_FAILURES=1, BREAKER_OPEN=300, ATTEMPTS=1)
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))
        Rider().becomes_eligible().asks_for_token()
        sandbox.faults.clear()
        assert availability("littlepay").why == "circuit_open"
        assert "You cannot enroll" in Rider().becomes_eligible().opens_the_page().text

        set_switch(position="on", ends=now() + timedelta(hours=1))

        assert availability("littlepay").is_available
        rider = Rider().becomes_eligible()
        assert "You cannot enroll" not in rider.opens_the_page().text
        assert rider.enrolls().page == "success"

    def test_the_one_that_was_set_last_decides(self) -> None:
        set_switch(position="on", ends=now() + timedelta(hours=1))
        set_switch()
        assert not availability("littlepay").is_available


class TestTheCommand:
    def test_sets_what_riders_read_from_when_until_when(self, run: Callable[..., str]) -> None:
        said = run(
            *("enrollment_switch", "off", "--account", "littlepay", "--until", "2026-11-30T08:00", "--by", "Ana"),
            *("--from", "2026-11-28T08:00+00:00"),
            *("--message", "en=Back on Monday at 8.", "es=Volvemos el lunes a las 8."),
        )

        assert said == (f"{'off  littlepay':<45} from 2026-11-28 00:00 PST until 2026-11-30 08:00 PST, by Ana\n")
        switch = Switch.objects.get()
        assert (switch.messages, switch.ends) == (MESSAGES, MONDAY)

    def test_takes_effect_at_once_and_until_it_is_ended(self, run: Callable[..., str]) -> None:
        assert availability("littlepay").is_available
        run("enrollment_switch", "off", "--account", "littlepay")
        found = availability("littlepay")
        assert (found.is_available, found.why, found.until, found.message) == (False, "switched_off", None, "")
        assert "until further notice" in run("enrollment_switch", "list")

        assert run("enrollment_switch", "end", "--account", "littlepay") == "Ended 1 switch.\n"

        assert availability("littlepay").is_available
        assert run("enrollment_switch", "list") == "No switch is set.\n"

    @pytest.mark.parametrize(
        ("options", "wrong"),
        [
            ((), "Name an account, an agency, or both."),
            (("--account", "littlepoy"), "There is no such account. There are: littlepay."),
            (("--account", "littlepay", "--until", "2020-01-01"), "It must end after it begins."),
            (("--account", "littlepay", "--until", "Monday"), '"Monday" is not a time'),
            (("--account", "littlepay", "--until", "2026-02-31T08:00"), "is not a time"),
            (("--account", "littlepay", "--message", "Back soon"), "must begin with a language of your site"),
            (("--account", "littlepay", "--message", "fr=Bientôt"), "must begin with a language of your site"),
        ],
    )
    def test_says_what_is_wrong(self, run: Callable[..., str], options: tuple[str, ...], wrong: str) -> None:
        with pytest.raises(CommandError, match=wrong.replace(".", r"\.")):
            run("enrollment_switch", "off", *options)

    def test_wants_an_end_for_a_test(self, run: Callable[..., str]) -> None:
        with pytest.raises(CommandError, match="Say when the test ends"):
            run("enrollment_switch", "on", "--account", "littlepay")

    def test_ends_only_what_is_there(self, run: Callable[..., str]) -> None:
        with pytest.raises(CommandError, match="No switch is set for exactly"):
            run("enrollment_switch", "end", "--account", "littlepay")


class TestTheAdmin:
    @pytest.fixture
    def operator(self, site: Any) -> Client:
        client = Client()
        client.force_login(User.objects.create_superuser("ana"))
        return client

    def posted(self, **changes: str) -> dict[str, str]:
        return {
            "account": "littlepay",
            "position": "off",
            "begins_0": "2026-11-28",
            "begins_1": "08:00",
            "ends_0": "2026-11-30",
            "ends_1": "08:00",
            "message_en": "Back on Monday at 8.",
            "message_es": "Volvemos el lunes a las 8.",
            **changes,
        }

    def test_sets_a_switch_under_the_operators_name(self, operator: Client) -> None:
        response = operator.post("/admin/enrollment_watch/switch/add/", self.posted())

        assert response.status_code == 302, response.content.decode()
        switch = Switch.objects.get()
        assert (switch.set_by, switch.messages, switch.ends) == ("ana", MESSAGES, MONDAY)

    def test_says_what_is_wrong_beside_the_field(self, operator: Client) -> None:
        page = operator.post("/admin/enrollment_watch/switch/add/", self.posted(ends_0="2026-11-27")).content.decode()

        assert "It must end after it begins." in page

    def test_shows_what_was_set_and_takes_a_message_out(self, operator: Client) -> None:
        switch = set_switch()
        url = f"/admin/enrollment_watch/switch/{switch.pk}/change/"
        assert "Volvemos el lunes a las 8." in operator.get(url).content.decode()

        operator.post(url, self.posted(message_es=""))

        switch.refresh_from_db()
        assert (switch.messages, switch.set_by) == ({"en": "Back on Monday at 8."}, "ana")

    def test_lists_which_hold_now_and_ends_them(self, operator: Client) -> None:
        switch = set_switch()
        ended = set_switch(begins=now() - timedelta(2), ends=now() - timedelta(1))
        listed = operator.get("/admin/enrollment_watch/switch/").content.decode()
        assert listed.count("icon-yes") == 1

        operator.post(
            "/admin/enrollment_watch/switch/", {"action": "end_now", "_selected_action": [switch.pk, ended.pk]}
        )

        assert availability("littlepay").is_available
        before = ended.ends
        ended.refresh_from_db()
        assert ended.ends == before

    def test_findings_of_the_watch_are_read_only(self, operator: Client, healthy: None) -> None:
        from enrollment_errors.watch.models import Watched

        well = Watched.objects.create(account="littlepay", since=now(), checked_at=now())
        wrong = Watched.objects.create(
            account="coast", since=now(), checked_at=now(), diagnosis="credentials_refused", is_failure=True
        )
        url = "/admin/enrollment_watch/watched/"

        assert "Riders cannot enroll: credentials_refused" in operator.get(url).content.decode()
        page = operator.get(f"{url}{wrong.pk}/change/").content.decode()
        assert "it does not know this client id with this secret" in page
        assert "Compare the account" in page
        assert "Well" in operator.get(f"{url}{well.pk}/change/").content.decode()
        assert operator.get(f"{url}add/").status_code == 403
        assert operator.post(f"{url}{well.pk}/delete/").status_code == 403


class TestTheOverview:
    def test_tells_of_what_is_set_and_planned(self) -> None:
        set_switch(agency="coast")
        set_switch(account="", agency="mountain", begins=now() + timedelta(1), ends=now() + timedelta(2), set_by="")

        holds, planned = [notice for notice in notices() if notice.is_switch]

        assert holds.text == ("Enrollment for littlepay, agency coast is off until further notice, set by Ana.")
        assert planned.text.startswith("Enrollment for agency mountain will be off from ")
        assert planned.text.endswith("set by nobody known.")
        assert planned.url.endswith("/change/")

    def test_tells_of_what_is_switched_on_for_a_test(self) -> None:
        set_switch(position="on")
        set_switch(position="on", begins=now() + timedelta(1))

        holds, planned = [notice for notice in notices() if notice.is_switch]

        assert holds.text == "Enrollment for littlepay is on until further notice, set by Ana."
        assert planned.text.startswith("Enrollment for littlepay will be on from ")

    def test_of_a_site_without_the_admin_needs_no_links(self, settings: Any) -> None:
        settings.ROOT_URLCONF = "enrollment_errors.urls"
        set_switch()

        assert [notice.url for notice in notices()] == ["", ""]


class TestWithoutTheDatabase:
    def test_what_was_set_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_switch()
        assert not availability("littlepay").is_available

        def fail() -> None:
            raise ConnectionError

        monkeypatch.setattr("enrollment_errors.watch.known._read", fail)

        with time_machine.travel(now() + timedelta(minutes=1)):
            assert not availability("littlepay").is_available
