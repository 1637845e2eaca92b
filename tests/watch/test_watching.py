"""The watch finds what is wrong without a rider, and reports each change once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import sentry_sdk
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import OperationalError
from django.test import Client
from django.utils.timezone import now

from enrollment_errors.availability import availability
from enrollment_errors.clock import Clock
from enrollment_errors.health import EnrollmentAvailability
from enrollment_errors.reporting.channels import Alert, Channel
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.watch.models import Watched
from enrollment_errors.watch.watching import SECOND_LOOK, watch
from tests.rider import Rider, Telemetry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("healthy")]

Told = Callable[[], list[str]]


class Heard(Channel):
    waits: ClassVar[bool] = False
    alerts: ClassVar[list[Alert]] = []

    def send(self, alert: Alert) -> None:
        self.alerts.append(alert)


def health() -> str:
    return str(async_to_sync(EnrollmentAvailability().get_result)().error or "")


@pytest.fixture
def overview() -> Callable[[], str]:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return lambda: client.get("/admin/enrollment_incidents/ending/").content.decode()


@pytest.fixture
def before_the_second_look(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Makes something happen in the watch's pause, which takes no time here."""

    def arrange(happen: Callable[[], object]) -> None:
        def sleep(self: Clock, seconds: float) -> None:
            if seconds == SECOND_LOOK:
                happen()

        monkeypatch.setattr(Clock, "sleep", sleep)
        monkeypatch.setattr("enrollment_errors.watch.watching.SECOND_LOOK", SECOND_LOOK)

    return arrange


class TestAnOutage:
    def test_is_known_everywhere_after_one_run_and_told_once(
        self, sandbox: SandboxServer, told: Told, overview: Callable[[], str]
    ) -> None:
        watch()
        assert (availability("littlepay").is_available, told(), health()) == (True, [], "")
        assert "Nothing that is known." in overview()

        sandbox.faults.set("*", Fault(kind="down"))
        watch()
        watch()

        [alert] = told()
        assert alert.startswith("error: Enrollment with the account littlepay (mountain) does not work (")
        assert (availability("littlepay").is_available, availability("littlepay").why) == (False, "connection_refused")
        assert "littlepay: connection_refused" in health()
        assert "connection_refused" in overview()

    def test_is_over_once_with_how_long(self, sandbox: SandboxServer, told: Told) -> None:
        sandbox.faults.set("*", Fault(kind="down"))
        with time_machine.travel(now() - timedelta(minutes=42)):
            watch()
        assert len(told()) == 1

        sandbox.faults.clear()
        watch()
        watch()

        assert told() == [
            "info: Enrollment with the account littlepay (mountain) works again (connection_refused).\n\n"
            "It lasted 42 minutes and affected no rider."
        ]
        assert availability("littlepay").is_available

    def test_that_a_rider_has_met_before_is_not_told_once_more_and_is_over_once(
        self, sandbox: SandboxServer, told: Told, telemetry: Telemetry
    ) -> None:
        sandbox.faults.set("*", Fault(kind="status", status=503))
        Rider().becomes_eligible().asks_for_token()
        watch()
        watch()
        assert told() == []
        assert len(telemetry.sentry) == 1

        sandbox.faults.clear()
        watch()
        watch()
        Rider().becomes_eligible().enrolls()

        [over] = told()
        assert over.startswith("info: Enrollment with the account littlepay (mountain) works again (processor_error).")
        assert over.endswith(" and affected one rider.")

    def test_that_a_rider_meets_hours_later_is_still_the_same(self, sandbox: SandboxServer, site: Any) -> None:
        Heard.alerts.clear()
        site(ALERT_CHANNELS=["tests.watch.test_watching.Heard"])
        sandbox.faults.set("*", Fault(kind="status", status=503))
        with time_machine.travel(now() - timedelta(hours=2)):
            watch()
        Rider().becomes_eligible().asks_for_token()

        _, again = Heard.alerts
        assert again.subject == "Still: Enrollment with the account littlepay (mountain) fails (processor_error)."
        assert again.text.startswith("One failure of one rider since ")

    def test_of_riders_alone_is_over_when_the_watch_finds_all_well(self, sandbox: SandboxServer, told: Told) -> None:
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))
        Rider().becomes_eligible().asks_for_token()
        sandbox.faults.clear()
        watch()

        [over] = told()
        assert over.startswith("info: Enrollment with the account littlepay works again (processor_error).")

    def test_that_changes_its_face_is_told_once_for_each(self, sandbox: SandboxServer, told: Told) -> None:
        for status in (503, 429, 503, 429):
            sandbox.faults.set("authorization", Fault(kind="status", status=status))
            watch()

        assert [alert.partition("does not work ")[2].partition(".")[0] for alert in told()] == [
            "(processor_error)",
            "(too_many_requests)",
        ]

    def test_one_failure_is_looked_at_a_second_time(self, sandbox: SandboxServer, told: Told) -> None:
        sandbox.faults.set("authorization", Fault(kind="status", status=503, times=1))
        watch()

        assert told() == []
        assert availability("littlepay").is_available

    def test_of_a_few_seconds_is_none(
        self, sandbox: SandboxServer, told: Told, before_the_second_look: Callable[[Callable[[], object]], None]
    ) -> None:
        before_the_second_look(sandbox.faults.clear)
        sandbox.faults.set("*", Fault(kind="down"))
        watch()

        assert told() == []
        assert availability("littlepay").is_available

    def test_is_looked_at_a_second_time_only_while_it_is_new(
        self, sandbox: SandboxServer, before_the_second_look: Callable[[Callable[[], object]], None]
    ) -> None:
        looks: list[str] = []
        before_the_second_look(lambda: looks.append("again"))
        sandbox.faults.set("*", Fault(kind="down"))
        watch()
        watch()

        assert looks == ["again"]

    def test_an_old_finding_is_no_longer_believed(self, sandbox: SandboxServer) -> None:
        sandbox.faults.set("*", Fault(kind="down"))
        with time_machine.travel(now() - timedelta(minutes=16)):
            watch()

        assert availability("littlepay").is_available


class TestWhatIsWrong:
    def test_a_wrong_secret(self, options: Callable[..., None], told: Told) -> None:
        options(CLIENT_SECRET="wrong")
        watch()
        watch()

        [alert] = told()
        assert "does not work (credentials_refused).\n\nThe processor answered 401" in alert

    def test_a_group_without_a_product_is_its_own_trouble(self, sandbox: SandboxServer, told: Told) -> None:
        sandbox.state.set_product("group-veterans", "INACTIVE")
        watch()
        watch()

        [alert] = told()
        assert "group group-veterans does not work (group_without_product)" in alert
        assert availability("littlepay").is_available
        assert availability("littlepay", group_id="group-seniors").is_available
        assert availability("littlepay", group_id="group-veterans").why == "group_without_product"

    @pytest.mark.parametrize("rider_is_first", [True, False])
    def test_a_group_that_is_gone_is_told_once_whoever_meets_it_first(
        self, rider_is_first: bool, sandbox: SandboxServer, told: Told, telemetry: Telemetry
    ) -> None:
        def rider() -> None:
            Rider().becomes_eligible(group="group-veterans").walks()

        del sandbox.state.groups["group-veterans"]
        for meets in (rider, watch) if rider_is_first else (watch, rider):
            meets()
        sentry_sdk.flush(timeout=5)
        assert len(telemetry.sentry) == 1
        told()

        sandbox.state.add_group("group-veterans")
        with time_machine.travel(now() + timedelta(days=1)):
            watch()
            rider()

        [over] = told()
        assert "group group-veterans works again (group_unknown)" in over
        assert over.endswith(" and affected one rider.")

    def test_a_certificate_with_five_days_left_is_a_warning(
        self, over_tls: Callable[..., SandboxServer], told: Told
    ) -> None:
        over_tls(until=5.5)
        watch()
        watch()

        [alert] = told()
        assert alert.startswith("warning: ")
        assert "needs your attention (certificate_expires_soon)" in alert
        assert "5 days left" in alert
        assert availability("littlepay").is_available
        assert "certificate_expires_soon" in health()

    def test_a_warning_outlives_an_outage_and_is_told_once(
        self, over_tls: Callable[..., SandboxServer], told: Told
    ) -> None:
        server = over_tls(until=5.5)
        watch()
        assert len(told()) == 1
        server.faults.set("authorization", Fault(kind="status", status=503))
        watch()
        assert [alert.partition(":")[0] for alert in told()] == ["error"]
        server.faults.clear()
        watch()

        assert [alert.partition(":")[0] for alert in told()] == ["info"]
        assert Watched.objects.get(group_id="").diagnosis == "certificate_expires_soon"

    def test_an_account_that_is_gone_is_forgotten_and_so_is_a_group(self, site: Any) -> None:
        watch()
        Watched.objects.create(account="gone", since=now(), checked_at=now())
        Watched.objects.create(account="littlepay", group_id="gone", since=now(), checked_at=now())
        watch(["littlepay"])
        assert Watched.objects.filter(account="gone").exists()

        watch()

        assert [str(found) for found in Watched.objects.all()] == [
            "littlepay",
            "littlepay, group group-seniors",
            "littlepay, group group-veterans",
        ]

    def test_groups_that_could_not_be_looked_at_stay_as_they_were(self, sandbox: SandboxServer) -> None:
        sandbox.state.set_product("group-veterans", None)
        watch()
        sandbox.faults.set("authorization", Fault(kind="status", status=503))

        watch()

        assert Watched.objects.get(group_id="group-veterans").diagnosis == "group_without_product"

    def test_of_two_runs_at_once_one_tells(
        self, options: Callable[..., None], told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options(CLIENT_SECRET="wrong")
        from enrollment_errors.watch import watching

        worst, is_first = watching._worst, [True]

        def meanwhile(findings: Any) -> Any:
            """Lets the other run finish first."""
            if is_first.pop() if is_first else False:
                watch()
            return worst(findings)

        monkeypatch.setattr(watching, "_worst", meanwhile)
        watch()

        assert len(told()) == 1


class TestGently:
    def test_nobody_is_enrolled_and_riders_tokens_are_left_alone(self, sandbox: SandboxServer) -> None:
        Rider().becomes_eligible().asks_for_token()
        sandbox.calls.clear()

        watch()

        assert {endpoint for endpoint, number in sandbox.calls.items() if number} == {
            "authorization",
            "tokenization",
            "concession_groups",
            "group_products",
            "product",
            "card_form_script",
            "unknown",
        }
        assert sum(sandbox.calls.values()) <= 16


class TestAStoppedWatch:
    def test_is_found_on_the_pages_of_operators(self, overview: Callable[[], str]) -> None:
        with time_machine.travel(now() - timedelta(minutes=16)):
            watch()

        assert "watch_stopped" in health()
        assert "The watch does not look at littlepay" in overview()

    def test_is_found_by_sentry_which_is_told_when_to_expect_it(self, telemetry: Telemetry) -> None:
        watch()
        sentry_sdk.flush(timeout=5)

        first, second = [item.payload for item in telemetry.sink.sentry_items if item.type == "check_in"]
        assert (first["monitor_slug"], first["status"], second["status"]) == ("enrollment-watch", "in_progress", "ok")
        assert first["check_in_id"] == second["check_in_id"]
        assert first["monitor_config"]["schedule"] == {"type": "interval", "value": 5, "unit": "minute"}

    def test_and_so_is_one_that_fails(self, telemetry: Telemetry, site: Any) -> None:
        site(ACCOUNTS="tests.watch.accounts.NoAccounts")
        with pytest.raises(LookupError):
            watch()
        sentry_sdk.flush(timeout=5)

        statuses = [item.payload["status"] for item in telemetry.sink.sentry_items if item.type == "check_in"]
        assert statuses == ["in_progress", "error"]

    def test_pruning_checks_in_too(self, run: Callable[..., str], telemetry: Telemetry) -> None:
        run("prune_enrollments")
        sentry_sdk.flush(timeout=5)

        slugs = [item.payload["monitor_slug"] for item in telemetry.sink.sentry_items if item.type == "check_in"]
        assert slugs == ["enrollment-prune"] * 2


class TestTheCommand:
    def test_shows_each_account_and_group(self, sandbox: SandboxServer, run: Callable[..., str]) -> None:
        sandbox.state.set_product("group-veterans", None)

        assert run("watch_enrollment").splitlines() == [
            "ok    littlepay",
            "ok    littlepay, group group-seniors",
            f"FAIL  {'littlepay, group group-veterans':<40} group_without_product: "
            "group-veterans (Veterans): no product",
        ]

    def test_says_where_there_is_nothing_to_examine(self, run: Callable[..., str], site: Any) -> None:
        site(ACCOUNTS="tests.watch.accounts.EmptyAccounts")

        assert run("watch_enrollment") == "There are no accounts to examine.\n"

    @pytest.mark.parametrize("every", [[], ["--every", "60"]])
    def test_refuses_a_misspelled_account_and_alerts_nobody(self, run: Callable[..., str], every: list[str]) -> None:
        with pytest.raises(CommandError) as caught:
            run("watch_enrollment", "--account", "littlepay", "--account", "litlepay", *every)

        assert str(caught.value) == 'There is no account "litlepay". There are: littlepay.'
        assert not Watched.objects.exists()

    def test_of_one_account_begins_and_goes_on_even_if_the_accounts_cannot_be_listed(
        self, run: Callable[..., str], site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        pauses = []

        def sleep(self: Any, seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr("enrollment_errors.clock.Clock.sleep", sleep)
        site(ACCOUNTS="tests.watch.accounts.NoAccounts")
        run("watch_enrollment", "--account", "littlepay", "--every", "60")

        assert "The watch failed (LookupError). It tries again at its next run." in caplog.text

    @pytest.mark.usefixtures("sandbox")
    def test_fails_in_a_sentence_where_the_database_does(
        self, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("a table and an address")

        monkeypatch.setattr(Watched.objects, "get_or_create", fail)
        with pytest.raises(CommandError, match=r"^The database failed \(OperationalError\), so ") as caught:
            run("watch_enrollment")
        assert "address" not in str(caught.value)

    def test_goes_on_until_it_is_ended_whatever_happens(
        self, run: Callable[..., str], site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        pauses = []

        def sleep(self: Any, seconds: float) -> None:
            pauses.append(seconds)
            site(ACCOUNTS="tests.watch.accounts.NoAccounts")
            if len(pauses) == 3:
                raise KeyboardInterrupt

        monkeypatch.setattr("enrollment_errors.clock.Clock.sleep", sleep)
        said = run("watch_enrollment", "--every", "60")

        assert said.splitlines()[0].startswith("ok    littlepay")
        assert pauses == [60, 60, 60]
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
            "The watch failed (LookupError). It tries again at its next run."
        ] * 2

    def test_wants_a_pause_that_is_one(self, run: Callable[..., str]) -> None:
        with pytest.raises(Exception, match="above 0"):
            run("watch_enrollment", "--every", "0")


def test_it_is_a_task_of_django() -> None:
    pytest.importorskip("django.tasks", reason="Django 6.0 has it")
    from enrollment_errors.watch.tasks import watch_enrollment

    assert watch_enrollment.call() == 0
