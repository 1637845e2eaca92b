"""Every way to misconfigure a site, reproduced with the sandbox, and the one diagnosis that it gets."""

from __future__ import annotations

import re
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from django.db import connection
from django.utils.timezone import now

from enrollment_errors import conf
from enrollment_errors.doctor.diagnoses import DIAGNOSES, Level
from enrollment_errors.doctor.examination import Finding, examine, examine_account
from enrollment_errors.exceptions import ProcessorError, TlsFailed
from enrollment_errors.incidents.models import Incident
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink
from tests.incidents.conftest import AT, facts
from tests.rider import Rider
from tests.transport.brittle_cache import BrittleCache
from tests.transport.upstream import Connection, Upstream

from .site import RefusingProcessor, TellingAdapter, TrustingProcessor

pytestmark = pytest.mark.usefixtures("healthy")

# Findings about the tests' own settings, which a real site would not have.
OF_THE_TESTS = {"cache": "cache_not_shared", "Sentry": "sentry_not_set_up", "Amplitude": "amplitude_not_set_up"}

LABELED = ("group-low-income (People with low incomes)", "group-seniors (Older adults)", "group-veterans (Veterans)")
THE_ACCOUNT_HAS = f"the account has {', '.join(LABELED)}"
ENROLLMENTS = list(TellingAdapter().get_enrollments_to_check())

Diagnoses = Callable[..., dict[str, str]]


def status(code: int, **more: Any) -> Fault:
    return Fault(kind="status", status=code, **more)


def test_a_site_that_is_set_up_well_has_none(diagnoses: Diagnoses) -> None:
    assert diagnoses() == OF_THE_TESTS


OPTIONS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no address": ({"BASE_URL": "processor.test"}, {"base URL": "base_url_invalid"}),
    "a user in the address": ({"BASE_URL": "https://me:pass@processor.test"}, {"base URL": "base_url_invalid"}),
    "wrong host": ({"BASE_URL": "https://processor.invalid"}, {"DNS": "processor_name_not_resolved"}),
    "wrong secret": ({"CLIENT_SECRET": "wrong"}, {"access": "credentials_refused"}),
    "wrong client id": ({"CLIENT_ID": "wrong"}, {"access": "credentials_refused"}),
    "wrong audience": ({"AUDIENCE": "https://other.test"}, {"access": "audience_refused"}),
    "a version that is not there": ({"API_VERSION": "v9"}, {"access": "api_not_found"}),
    "wrong card form": ({"CARD_FORM_URL": "http://card-form.invalid"}, {"card form": "card_form_unreachable"}),
}


@pytest.mark.parametrize("row", OPTIONS)
def test_an_option_that_is_wrong(row: str, options: Callable[..., None], diagnoses: Diagnoses) -> None:
    changes, expected = OPTIONS[row]
    options(**changes)

    assert diagnoses() == {**OF_THE_TESTS, **expected}


ENVIRONMENTS: dict[str, tuple[str, str, bool, str, str]] = {
    "both in production": (
        *("https://processor.invalid", "https://verify.processor.invalid", False, ""),
        "production: processor.invalid, verify.processor.invalid",
    ),
    "both for tests": (
        *("https://api.sandbox.processor.invalid", "https://verify.qa.processor.invalid", True, ""),
        "test: api.sandbox.processor.invalid, verify.qa.processor.invalid",
    ),
    "one of each": (
        *("https://api.processor.invalid", "https://verify.qa.processor.invalid", False, "environments_mixed"),
        "api.processor.invalid, verify.qa.processor.invalid",
    ),
    "tests in production": (
        *("https://uat2-api.processor.invalid", "https://10.0.0.1", False, "test_host_in_production"),
        "uat2-api.processor.invalid",
    ),
    "production in tests": (
        *("https://latest.processor.invalid", "", True, "production_host_in_test"),
        "latest.processor.invalid",
    ),
    "names that tell nothing": ("http://processor", "http://[::1]:8001", False, "", "this machine or its network"),
}


@pytest.mark.parametrize("row", ENVIRONMENTS)
def test_an_environment_that_is_not_the_sites(row: str, options: Callable[..., None], settings: Any, db: None) -> None:
    base_url, card_form_url, settings.DEBUG, diagnosis, detail = ENVIRONMENTS[row]
    options(BASE_URL=base_url, **({"CARD_FORM_URL": card_form_url} if card_form_url else {}))

    found = next(finding for finding in examine() if finding.probe == "environment")  # before any call

    assert (found.diagnosis, found.detail) == (diagnosis, detail)
    assert found.level is (Level.WARNING if diagnosis else Level.OK)


def test_what_an_option_may_have_caused_names_the_options_that_the_account_has(
    options: Callable[..., None], finding: Callable[[str], Finding]
) -> None:
    options("tests.doctor.site.KeyedProcessor", CLIENT_SECRET="wrong", API_KEY="a-key")

    action = finding("access").action

    assert action.endswith("The options of this account are BASE_URL, API_KEY.")


def test_a_group_is_told_with_its_label(sandbox: SandboxServer, finding: Callable[[str], Finding], site: Any) -> None:
    sandbox.state.add_group("group-students", "Students, 50 %")
    site(ADAPTER="tests.doctor.site.WrongGroupAdapter")

    assert finding("group").detail == "group-students (Students, 50 %): group-students-fare is active"
    assert "(Older adults), group-students (Students, 50 %), group-veterans" in finding("groups").detail


def test_a_path_too_many_in_the_address(
    sandbox: SandboxServer, options: Callable[..., None], diagnoses: Diagnoses
) -> None:
    options(BASE_URL=f"{sandbox.url}/api/v1")

    assert diagnoses()["access"] == "api_not_found"


def test_a_port_at_which_nobody_listens(
    nobody_listens: str, options: Callable[..., None], diagnoses: Diagnoses
) -> None:
    options(BASE_URL=nobody_listens)

    assert diagnoses() == {**OF_THE_TESTS, "connection": "connection_refused"}


def test_a_port_behind_which_nobody_answers(
    options: Callable[..., None], diagnoses: Diagnoses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enrollment_errors.doctor.network.CONNECT_SECONDS", 0.3)
    with socket.socket() as server, ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        # With a full queue, a new connection gets no answer, as from a firewall that drops packets.
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        options(BASE_URL=f"http://127.0.0.1:{server.getsockname()[1]}")

        assert diagnoses() == {**OF_THE_TESTS, "connection": "no_connection"}


def test_credentials_in_the_clear_over_the_network(
    sandbox: SandboxServer, options: Callable[..., None], diagnoses: Diagnoses
) -> None:
    options(BASE_URL=f"http://127.1:{sandbox.port}")  # written in a way that does not show that it is this machine

    assert diagnoses() == {**OF_THE_TESTS, "TLS": "not_encrypted"}


def test_a_processor_class_with_a_bug(options: Callable[..., None], finding: Callable[[str], Finding]) -> None:
    options("tests.doctor.site.FailingProcessor")

    found = finding("groups")

    assert (found.diagnosis, found.detail) == ("probe_failed", "LookupError")


FAULTS: dict[str, tuple[str, Fault, dict[str, str]]] = {
    "credentials are answered with HTML": (
        "authorization",
        Fault(kind="not_json"),
        {"access": "reply_not_json"},
    ),
    "a token without what is needed": (
        "authorization",
        Fault(kind="missing_fields", fields=("access_token",)),
        {"access": "reply_incomplete"},
    ),
    "card tokenization is not enabled": ("tokenization", status(403), {"access": "tokenization_refused"}),
    "card tokenization wants something else": ("tokenization", status(422), {"access": "request_refused"}),
    "a limit is used up": ("tokenization", status(429), {"access": "too_many_requests"}),
    "the processor is broken": ("authorization", status(503), {"access": "processor_error"}),
    "the processor redirects": (
        "authorization",
        status(302, headers={"Location": "/login"}),
        {"access": "base_url_redirects"},
    ),
    "the processor breaks HTTP": (
        "authorization",
        status(200, headers={"Content-Length": "77"}),
        {"access": "reply_broken"},
    ),
    "the processor hangs": ("tokenization", Fault(kind="hang"), {"access": "processor_timeout"}),
    "the processor cuts": ("tokenization", Fault(kind="reset"), {"access": "processor_unreachable"}),
    "groups cannot be listed": ("concession_groups", status(403), {"groups": "groups_refused"}),
    "the card form's script is not there": (
        "card_form_script",
        status(404),
        {"card form": "card_form_unreachable"},
    ),
    "a page stands in the script's place": (
        "card_form_script",
        Fault(kind="not_json"),
        {"card form": "card_form_no_script"},
    ),
    "an empty script": (
        "card_form_script",
        status(200, content_type="text/javascript"),
        {"card form": "card_form_no_script"},
    ),
    "the clocks differ": (
        "unknown",
        status(404, headers={"Date": format_datetime(datetime.now(timezone.utc) - timedelta(hours=1))}),
        {"clock": "clock_off"},
    ),
}


@pytest.mark.parametrize("row", FAULTS)
def test_a_processor_that_answers_otherwise(row: str, sandbox: SandboxServer, diagnoses: Diagnoses) -> None:
    endpoint, fault, expected = FAULTS[row]
    sandbox.faults.set(endpoint, fault)

    assert diagnoses() == {**OF_THE_TESTS, **expected}


@pytest.mark.parametrize(("status_", "diagnosis"), [(401, "shared_token_refused"), (503, "processor_error")])
def test_a_token_that_riders_share_and_the_processor_does_not_take_any_more(
    status_: int, diagnosis: str, sandbox: SandboxServer, diagnoses: Diagnoses
) -> None:
    Rider().becomes_eligible().asks_for_token()
    fresh = sandbox.calls["tokenization"] + 1
    sandbox.faults.set("tokenization", Fault(kind="delay", seconds=0, times=1), status(status_, times=1))

    assert diagnoses() == {**OF_THE_TESTS, "shared token": diagnosis}
    assert sandbox.calls["tokenization"] == fresh + 1


def test_tokens_of_a_type_that_is_not_supported(sandbox: SandboxServer, diagnoses: Diagnoses) -> None:
    sandbox.state.token_type = "mac"

    assert diagnoses() == {**OF_THE_TESTS, "access": "token_type_unsupported"}


@pytest.mark.parametrize(
    ("refusal", "diagnosis"),
    [
        # This is what a refused client certificate looks like in TLS 1.3.
        (TlsFailed("TLS failed while reading"), "processor_tls_failed"),
        (ProcessorError("closed on Sundays"), "probe_failed"),
    ],
)
def test_what_a_processor_of_the_sites_own_may_raise(
    refusal: ProcessorError,
    diagnosis: str,
    options: Callable[..., None],
    finding: Callable[[str], Finding],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RefusingProcessor, "refusal", refusal, raising=False)
    options("tests.doctor.site.RefusingProcessor")

    found = finding("groups")

    assert (found.diagnosis, found.detail) == (diagnosis, f"no call: {refusal}")


def test_a_clock_that_goes_with_the_processors(sandbox: SandboxServer, finding: Callable[[str], Finding]) -> None:
    sandbox.faults.set("unknown", status(404, headers={"Date": format_datetime(datetime.now(timezone.utc))}))

    assert re.fullmatch(r"\d+ s apart", finding("clock").detail)


def test_a_group_that_the_account_does_not_have(site: Any, finding: Callable[[str], Finding]) -> None:
    site(ADAPTER="tests.doctor.site.WrongGroupAdapter")

    found = finding("group")

    assert found.diagnosis == "group_unknown"
    assert found.detail == f"group-students; {THE_ACCOUNT_HAS}"
    assert found.subject == "littlepay (mountain)"


def test_a_group_that_is_named_on_the_command_line(diagnoses: Diagnoses) -> None:
    assert diagnoses(groups=("group-students",))["group"] == "group_unknown"
    assert "group" not in diagnoses(groups=("group-low-income",))


def test_a_group_of_several_that_has_no_active_product_is_the_one_that_is_told(sandbox: SandboxServer) -> None:
    sandbox.state.set_product("group-veterans", "INACTIVE")

    found = {one.group: (one.diagnosis, one.detail) for one in examine_account("littlepay", ENROLLMENTS) if one.group}

    assert found == {
        "group-seniors": ("", "group-seniors (Older adults): group-seniors-fare is active"),
        "group-veterans": ("group_without_product", "group-veterans (Veterans): not active: group-veterans-fare"),
    }


def test_a_group_without_any_product(sandbox: SandboxServer, diagnoses: Diagnoses) -> None:
    sandbox.state.set_product("group-veterans", None)

    assert diagnoses() == {**OF_THE_TESTS, "group": "group_without_product"}


@pytest.mark.parametrize(("code", "diagnosis"), [(403, "products_not_shown"), (503, "processor_error")])
def test_products_that_the_processor_does_not_show(
    code: int, diagnosis: str, sandbox: SandboxServer, diagnoses: Diagnoses
) -> None:
    sandbox.faults.set("group_products", status(code))

    assert diagnoses() == {**OF_THE_TESTS, "group": diagnosis}


def test_a_site_that_does_not_say_into_which_groups_it_enrolls(site: Any, finding: Callable[[str], Finding]) -> None:
    site(ADAPTER="tests.site.TestAdapter")

    found = finding("groups")

    assert found.diagnosis == "groups_not_checked"
    assert found.detail == THE_ACCOUNT_HAS


def test_an_account_that_the_settings_do_not_have(site: Any, diagnoses: Diagnoses) -> None:
    site(ADAPTER="tests.doctor.site.WrongAccountAdapter")

    assert diagnoses()["enrollments"] == "account_unknown"
    assert diagnoses("littlepoy")["account"] == "account_unknown"


def test_a_hook_that_fails(site: Any, finding: Callable[[str], Finding]) -> None:
    site(ADAPTER="tests.doctor.site.FailingAdapter")

    found = finding("enrollments")

    assert (found.diagnosis, found.detail) == ("host_failed", "LookupError")


def test_settings_that_cannot_be_read(site: Any, diagnoses: Diagnoses) -> None:
    site(BUGDET=8)

    assert diagnoses() == {"settings": "settings_wrong"}


class TestTls:
    def test_a_good_certificate_is_none_and_its_days_are_told(
        self, over_tls: Callable[..., SandboxServer], diagnoses: Diagnoses, finding: Callable[[str], Finding]
    ) -> None:
        over_tls(until=100.5)

        assert diagnoses() == OF_THE_TESTS
        assert finding("TLS").detail == "certificate valid for 100 more days"

    @pytest.mark.parametrize(
        ("certificate", "diagnosis"),
        [
            ({"until": -1}, "certificate_expired"),
            ({"since": 1}, "certificate_not_valid_yet"),
            ({"address": "127.0.0.9"}, "certificate_of_another_host"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_bad_certificate(
        self,
        over_tls: Callable[..., SandboxServer],
        diagnoses: Diagnoses,
        certificate: dict[str, Any],
        diagnosis: str,
    ) -> None:
        over_tls(**certificate)

        assert diagnoses() == {**OF_THE_TESTS, "TLS": diagnosis}

    def test_a_certificate_that_nobody_trusted_has_signed(
        self, over_tls: Callable[..., SandboxServer], diagnoses: Diagnoses
    ) -> None:
        over_tls("enrollment_errors.processors.littlepay.LittlepayProcessor")

        assert diagnoses() == {**OF_THE_TESTS, "TLS": "certificate_untrusted"}

    def test_a_certificate_that_expires_soon_is_a_warning_and_the_rest_is_tried(
        self, over_tls: Callable[..., SandboxServer], diagnoses: Diagnoses, options: Callable[..., None]
    ) -> None:
        over_tls(until=5.5)
        options(CLIENT_SECRET="wrong")

        assert diagnoses() == {**OF_THE_TESTS, "TLS": "certificate_expires_soon", "access": "credentials_refused"}

    def test_no_version_of_tls_in_common(self, over_tls: Callable[..., SandboxServer], diagnoses: Diagnoses) -> None:
        over_tls(latest=ssl.TLSVersion.TLSv1_2)
        assert TrustingProcessor.context
        TrustingProcessor.context.minimum_version = ssl.TLSVersion.TLSv1_3

        assert diagnoses() == {**OF_THE_TESTS, "TLS": "processor_tls_failed"}

    def test_http_for_https(
        self, over_tls: Callable[..., SandboxServer], diagnoses: Diagnoses, options: Callable[..., None]
    ) -> None:
        options(BASE_URL=over_tls().url.replace("https", "http"))

        assert diagnoses() == {**OF_THE_TESTS, "TLS": "http_for_https"}

    def test_https_for_http(self, sandbox: SandboxServer, diagnoses: Diagnoses, options: Callable[..., None]) -> None:
        options(BASE_URL=sandbox.url.replace("http", "https"))

        assert diagnoses() == {**OF_THE_TESTS, "TLS": "no_tls"}

    @pytest.mark.parametrize("leave", [Connection.close, Connection.reset])
    def test_a_server_that_leaves_in_the_middle_of_the_handshake(
        self, leave: Callable[[Connection], None], diagnoses: Diagnoses, options: Callable[..., None]
    ) -> None:
        def behave(connection: Connection) -> None:
            connection.read_something()
            leave(connection)

        with Upstream(behave) as server:
            options(BASE_URL=server.url.replace("http", "https"))

            assert diagnoses() == {**OF_THE_TESTS, "TLS": "no_tls"}


class TestTheSite:
    def test_a_cache_that_fails(
        self, settings: Any, site: Any, diagnoses: Diagnoses, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(BrittleCache, "is_down", True)
        settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
        site(CACHE="broken")

        assert diagnoses()["cache"] == "cache_down"

    def test_a_cache_that_keeps_nothing_and_does_not_say_so(
        self, settings: Any, site: Any, diagnoses: Diagnoses
    ) -> None:
        settings.CACHES = {**settings.CACHES, "small": {"BACKEND": "tests.doctor.site.ForgetfulCache"}}
        site(CACHE="small")

        assert diagnoses()["cache"] == "cache_down"

    @pytest.mark.parametrize(
        ("backend", "command"),
        [
            ("django.core.cache.backends.redis.RedisCache", "pip install redis"),
            ("django_no_such_cache.cache.Cache", "pip install django-no-such-cache"),
        ],
    )
    def test_a_cache_whose_package_is_missing(
        self, settings: Any, site: Any, finding: Any, monkeypatch: pytest.MonkeyPatch, backend: str, command: str
    ) -> None:
        monkeypatch.setitem(sys.modules, "redis", None)  # as if it were not installed
        settings.CACHES = {**settings.CACHES, "lean": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1"}}
        site(CACHE="lean")

        found = finding("cache")

        assert (found.diagnosis, found.detail) == ("package_missing", f"lean: {command}")

    def test_a_cache_that_is_not_there(self, site: Any, diagnoses: Diagnoses) -> None:
        site(CACHE="redis")

        assert diagnoses()["cache"] == "cache_missing"

    def test_a_cache_that_keeps_nothing(self, settings: Any, site: Any, diagnoses: Diagnoses) -> None:
        settings.CACHES = {**settings.CACHES, "none": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        site(CACHE="none")

        assert diagnoses()["cache"] == "cache_not_shared"

    def test_a_cache_that_processes_share_is_well(
        self, settings: Any, site: Any, diagnoses: Diagnoses, tmp_path: Any
    ) -> None:
        backend = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
        settings.CACHES = {**settings.CACHES, "files": backend}
        site(CACHE="files")

        assert "cache" not in diagnoses()

    def test_tables_that_are_not_there(self, site: Any, diagnoses: Diagnoses) -> None:
        site(SINKS=conf.DEFAULT_SINKS)
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {Incident._meta.db_table} RENAME TO gone")

        assert diagnoses()["incidents"] == "incidents_unreadable"

    def test_incidents_that_are_kept_as_long_as_the_site_wants(self, site: Any, finding: Any) -> None:
        site(SINKS=conf.DEFAULT_SINKS)
        Incident.objects.create(**facts(at=now()))

        found = finding("incidents")

        assert (found.level, found.detail) == (Level.OK, "the tables are there")

    def test_incidents_that_nobody_prunes(self, site: Any, diagnoses: Diagnoses) -> None:
        site(SINKS=conf.DEFAULT_SINKS)
        Incident.objects.create(**facts(at=AT - timedelta(days=500)))

        assert diagnoses()["incidents"] == "not_pruned"

    def test_a_template_that_cannot_be_loaded(self, settings: Any, tmp_path: Any, finding: Any) -> None:
        (tmp_path / "enrollment_errors").mkdir()
        (tmp_path / "enrollment_errors" / "success.html").write_text("{% no_such_tag %}")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

        found = finding("templates")

        assert found.diagnosis == "template_missing"
        assert found.detail == "enrollment_errors/success.html: TemplateSyntaxError"

    def test_a_language_without_a_catalog(self, settings: Any, finding: Any) -> None:
        settings.LANGUAGES = [("en", "English"), ("es", "Español"), ("sw", "Kiswahili")]

        found = finding("catalogs")

        assert (found.diagnosis, found.detail) == ("catalog_missing", "sw")


class TestTelemetry:
    @pytest.fixture
    def sink(self) -> Any:
        with TelemetrySink() as sink:
            yield sink

    @pytest.fixture
    def set_up(self, site: Any, sink: TelemetrySink) -> Any:
        def start(dsn: str = sink.dsn, amplitude_url: str = sink.amplitude_url) -> None:
            sentry_sdk.init(dsn)
            site(AMPLITUDE_API_KEY="tests-amplitude-key", AMPLITUDE_SERVER_URL=amplitude_url)

        before = sentry_sdk.get_global_scope().client
        yield start
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(before)

    def test_that_is_reached_is_well_and_gets_no_event(
        self, set_up: Any, sink: TelemetrySink, diagnoses: Diagnoses
    ) -> None:
        set_up()

        assert diagnoses() == {"cache": "cache_not_shared"}
        assert (sink.sentry_items, sink.amplitude_events) == ([], [])

    def test_that_does_not_listen(self, set_up: Any, nobody_listens: str, diagnoses: Diagnoses) -> None:
        set_up(nobody_listens.replace("://", "://public@") + "/1", nobody_listens)

        found = diagnoses()

        assert (found["Sentry"], found["Amplitude"]) == ("sentry_unreachable", "amplitude_unreachable")

    def test_that_is_broken(self, set_up: Any, sink: TelemetrySink, diagnoses: Diagnoses) -> None:
        set_up()
        sink.faults.set("*", status(502))

        found = diagnoses()

        assert (found["Sentry"], found["Amplitude"]) == ("sentry_unreachable", "amplitude_unreachable")

    def test_that_does_not_know_us(self, set_up: Any, sink: TelemetrySink, diagnoses: Diagnoses) -> None:
        set_up()
        sink.faults.set("sentry", status(403))
        sink.faults.set("amplitude", status(400, body='{"code": 400, "error": "Invalid API key"}'))

        found = diagnoses()

        assert (found["Sentry"], found["Amplitude"]) == ("sentry_refused", "amplitude_refused")


def test_every_diagnosis_is_made_here() -> None:
    made = Path(__file__).read_text()
    assert [diagnosis for diagnosis in DIAGNOSES if f'"{diagnosis}"' not in made] == []


def test_every_diagnosis_says_what_it_is_and_what_to_do_in_whole_sentences() -> None:
    for diagnosis in DIAGNOSES.values():
        assert diagnosis.cause.endswith(".")
        assert diagnosis.action.endswith(".")
    assert len({(diagnosis.cause, diagnosis.action) for diagnosis in DIAGNOSES.values()}) == len(DIAGNOSES)
