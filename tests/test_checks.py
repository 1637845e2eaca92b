"""``manage.py check`` reports every installation mistake, with a hint that shows the fix."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import django
import pytest
import sentry_sdk
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.urls import include, path

from enrollment_errors.adapter import Adapter, Enrollment
from enrollment_errors.classification import Rule
from enrollment_errors.outcomes import Outcome
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import CardForm, TokenizationRequest
from enrollment_errors.redaction import scrub_event
from tests.site import AGENCY

ROOT = Path(__file__).parent.parent
STRICT = ["'nonce-placeholder'"]

pytestmark = pytest.mark.django_db  # Django's own checks ask the database whether it supports JSON


def nothing(request: Any) -> None: ...


class Sites:
    """Root URLconfs."""

    class Without:
        urlpatterns = [path("", nothing)]

    class Nested:
        urlpatterns = [path("benefits/", include([path("enroll/", include("enrollment_errors.urls"))]))]

    class WithOurErrorPage:
        handler500 = "enrollment_errors.views.handler500"
        urlpatterns = [path("enrollment/", include("enrollment_errors.urls")), path("elsewhere/", nothing)]

    class WithItsOwnErrorPage:
        handler500 = nothing
        urlpatterns = [path("enrollment/", include("enrollment_errors.urls"))]


class AbstractAdapter(Adapter):
    pass


class DemandingAdapter(Adapter):
    def __init__(self, database: Any) -> None: ...

    def get_enrollment(self, request: Any) -> Enrollment | None: ...


class RedirectingProcessor(LittlepayProcessor):
    card_form = Processor.card_form


class FramingProcessor(LittlepayProcessor):
    @classmethod
    def card_form(cls, options: Any, asked: TokenizationRequest) -> CardForm:
        sources = {"frame-src": ["https://frames.test"], "connect-src": ["https://api.frames.test"]}
        return replace(super().card_form(options, asked), sources=sources)


def client(**options: Any) -> sentry_sdk.Client:
    return sentry_sdk.Client("http://key@127.0.0.1:1/1", **options)


def told(*, deploy: bool = False) -> dict[str, CheckMessage]:
    messages = run_checks(include_deployment_checks=deploy)
    return {
        message.id.removeprefix("enrollment_errors."): message
        for message in messages
        if message.id and message.id.startswith("enrollment_errors.")
    }


@pytest.fixture
def ours(settings):
    """Changes keys in ENROLLMENT_ERRORS."""

    def change(**keys: Any) -> None:
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, **keys}

    return change


@pytest.fixture
def account(settings, ours):
    """Changes the account's class and options."""

    def change(processor: type | None = None, **options: Any) -> None:
        processors = copy.deepcopy(settings.ENROLLMENT_ERRORS["ACCOUNTS"])
        processors["littlepay"]["OPTIONS"].update(options)
        if processor:
            processors["littlepay"]["CLASS"] = f"{__name__}.{processor.__name__}"
        ours(ACCOUNTS=processors)

    return change


@pytest.fixture
def with_template(settings, tmp_path):
    def write(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    return write


def without(settings: Any, middleware: str) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(f".{middleware}")]


def test_the_test_site_has_no_mistakes():
    call_command("check", fail_level="DEBUG")
    assert told() == {}


def test_settings_that_are_wrong_are_an_error_that_names_the_place(ours):
    ours(BUGDET=3)
    assert told().keys() == {"E001"}
    assert 'Did you mean "BUDGET"?' in told()["E001"].msg


def test_settings_that_are_wrong_are_told_once_at_deployment_too(ours):
    ours(BUGDET=3)
    assert told(deploy=True).keys() == {"E001"}


@pytest.mark.parametrize("host", [AbstractAdapter, DemandingAdapter])
def test_a_host_class_that_cannot_be_made_is_an_error(ours, host):
    ours(ADAPTER=f"{__name__}.{host.__name__}")
    assert told().keys() == {"E002"}


class FinishingAdapter(AbstractAdapter):
    def get_enrollment(self, request: Any) -> Enrollment | None: ...

    def get_enrollments_to_check(self) -> Any:
        later = datetime.now(timezone.utc)
        for flow in ("senior", "veteran"):
            yield Enrollment(
                agency=AGENCY, account="littlepay", group_id="g", flow=flow, verifier="v", finish_until=later
            )


def test_a_site_that_would_finish_later_and_has_not_the_app_for_it_is_warned(site, settings):
    site(ADAPTER=f"{__name__}.FinishingAdapter")
    assert told().keys() == set()
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.settling"]
    assert told().keys() == {"W011"}
    assert "senior, veteran" in told()["W011"].msg


def test_one_that_finishes_nothing_later_needs_no_such_app(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.settling"]
    assert told().keys() == set()


def test_no_sessions_are_an_error(settings):
    without(settings, "SessionMiddleware")
    assert told().keys() == {"E003"}


def test_a_site_in_several_languages_without_a_way_to_choose_is_warned(settings):
    without(settings, "LocaleMiddleware")
    assert told().keys() == {"W001"}


def test_a_site_in_one_language_needs_no_way_to_choose(settings):
    settings.LANGUAGES = [("en", "English")]
    without(settings, "LocaleMiddleware")
    assert told() == {}


def test_a_language_without_a_catalog_is_warned_of(settings):
    settings.LANGUAGES = [("en-gb", "British English"), ("es-mx", "Español de México"), ("sw", "Kiswahili")]
    assert told().keys() == {"W013"}
    assert told()["W013"].msg.endswith(" asks for sw.")


def test_of_many_languages_without_a_catalog_a_few_are_named(settings):
    settings.LANGUAGES = [(language, language) for language in ("de", "el", "fi", "he", "is", "lt", "sw")]
    assert told()["W013"].msg.endswith(" asks for de, el, fi, he, is and 2 more.")


def test_a_site_that_translates_nothing_needs_no_catalog(settings):
    settings.LANGUAGES = [("en", "English"), ("sw", "Kiswahili")]
    settings.USE_I18N = False
    assert told() == {}


def test_a_site_whose_other_pages_can_be_forged_is_warned(settings):
    without(settings, "CsrfViewMiddleware")
    assert told().keys() == {"W002"}


def test_a_subclass_of_a_middleware_is_as_good(settings, monkeypatch):
    from django.contrib.sessions.middleware import SessionMiddleware

    monkeypatch.setattr("tests.site.OwnSessions", type("OwnSessions", (SessionMiddleware,), {}), raising=False)
    without(settings, "SessionMiddleware")
    settings.MIDDLEWARE = ["tests.site.OwnSessions", *settings.MIDDLEWARE]
    assert told() == {}


def test_sessions_in_a_table_that_does_not_exist_are_an_error(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.sessions"]
    assert told().keys() == {"E004"}


def test_sessions_in_a_cache_that_keeps_nothing_are_an_error(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert told().keys() == {"E004"}


def test_a_site_without_time_zones_is_an_error(settings):
    settings.USE_TZ = False
    assert told().keys() == {"E005"}


def test_a_processors_address_that_is_not_one_is_a_warning(account):
    account(BASE_URL="processor.test")
    assert told().keys() == {"W010"}


def test_an_address_with_a_password_is_a_warning_that_does_not_show_it(account):
    account(BASE_URL="https://user:s3cr3t@processor.test")
    assert told().keys() == {"W010"}
    assert "s3cr3t" not in str(told()["W010"])


def test_pages_that_cannot_be_found_are_an_error(settings):
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False}]
    assert "E007" in told()


def test_a_page_of_the_sites_own_that_cannot_be_read_is_an_error(with_template, tmp_path):
    (tmp_path / "enrollment_errors").mkdir()
    with_template("enrollment_errors/success.html", "{% extend 'x' %}")
    assert told().keys() == {"E007"}
    assert "enrollment_errors/success.html" in told()["E007"].msg


def test_pages_for_another_template_engine_are_an_error(settings, monkeypatch):
    settings.TEMPLATES = []
    assert "E007" in told()


def test_a_base_template_that_does_not_exist_is_an_error(ours):
    ours(BASE_TEMPLATE="no-such-base.html")
    assert told().keys() == {"E008"}


def test_a_base_template_without_the_blocks_is_an_error_that_names_them(ours, with_template):
    with_template("base.html", "<title>{% block enrollment_title %}{% endblock %}</title>")
    ours(BASE_TEMPLATE="base.html")
    assert told().keys() == {"E008"}
    assert "enrollment_content, enrollment_head" in told()["E008"].msg


def test_a_base_template_may_have_the_blocks_from_its_own_base(ours, with_template):
    with_template("base.html", "{% extends 'enrollment_errors/base.html' %}")
    ours(BASE_TEMPLATE="base.html")
    assert told() == {}


def test_a_base_template_may_extend_the_one_of_its_own_name_further_down(ours, with_template):
    with_template("enrollment_errors/base.html", "{% extends 'enrollment_errors/base.html' %}")
    ours(BASE_TEMPLATE="enrollment_errors/base.html")
    assert told() == {}


def test_base_templates_that_extend_each_other_are_read_once_each(ours, with_template):
    with_template("base.html", "{% extends 'other.html' %}{% block enrollment_title %}{% endblock %}")
    with_template("other.html", "{% extends 'base.html' %}{% block enrollment_head %}{% endblock %}")
    ours(BASE_TEMPLATE="base.html")
    assert told()["E008"].msg.endswith("cannot extend: it lacks the block enrollment_content.")


def test_a_base_template_may_choose_its_base_at_run_time_and_is_then_read_alone(ours, with_template):
    with_template("base.html", "{% extends chosen %}{% block enrollment_title %}{% endblock %}")
    ours(BASE_TEMPLATE="base.html")
    assert "enrollment_content, enrollment_head" in told()["E008"].msg


def test_pages_without_an_address_for_static_files_are_an_error(settings):
    settings.STATIC_URL = None
    assert "E009" in told()


def test_a_cache_that_does_not_exist_is_an_error(ours):
    ours(CACHE="elsewhere")
    assert told().keys() == {"E010"}


def test_urls_that_are_not_included_are_warned_of(settings):
    settings.ROOT_URLCONF = Sites.Without
    assert told().keys() == {"W003"}
    settings.ROOT_URLCONF = "tests.in_person_elsewhere"
    assert told().keys() == set()


def test_urls_may_be_included_at_any_depth(settings):
    settings.ROOT_URLCONF = Sites.Nested
    assert told() == {}


def test_a_script_that_is_not_served_is_warned_of(settings):
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    assert told().keys() == {"W004"}


def test_a_budget_longer_than_anybody_waits_is_warned_of(ours):
    ours(BUDGET=25)
    assert told().keys() == {"W005"}


def test_a_runbook_or_a_contact_of_a_name_that_nothing_has_is_warned_of(ours):
    ours(RUNBOOK_URLS={"processor_timeut": "https://wiki.example/1", "*": "https://wiki.example/2"})
    assert told().keys() == {"W012"}
    assert told()["W012"].hint == 'Did you mean "processor_timeout"?'
    ours(SUPPORT_CONTACTS={"somebody": "support@example.com"})
    assert "Name one of littlepay" in told()["W012"].hint


def test_a_runbook_may_be_of_every_code_of_a_diagnosis_or_of_a_rule_of_the_sites_own(ours):
    rule = Rule(code="teapot", outcome=Outcome.SERVER_ERROR, reason="", status=418)
    codes = ("processor_timeout", "group_unknown", "watch_stopped", "teapot")
    ours(RULES=[rule], RUNBOOK_URLS=dict.fromkeys(codes, "https://wiki.example/"), SUPPORT_CONTACTS={"littlepay": "x"})
    assert told() == {}


def test_one_call_that_may_take_most_of_the_budget_is_warned_of(ours):
    ours(BUDGET=5)
    assert told().keys() == {"W006"}


def test_a_cache_that_a_failing_request_takes_back_is_warned_of(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
    try:
        assert told().keys() == {"W007"}
    finally:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = False
    assert told() == {}


def test_a_session_that_does_not_survive_the_processors_own_site_is_warned_of(settings, account):
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    assert told() == {}
    account(RedirectingProcessor)
    settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "ALLOWED_REDIRECT_HOSTS": ["gateway.example"]}
    assert told().keys() == {"W008"}


def test_a_processors_own_site_to_which_riders_may_not_be_redirected_is_warned_of(settings, account):
    account(RedirectingProcessor)
    assert told().keys() == {"W014"}
    assert "littlepay" in told()["W014"].msg
    settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "ALLOWED_REDIRECT_HOSTS": ["gateway.example"]}
    assert told() == {}


class TestContentSecurityPolicy:
    """With django-csp, whose header the check reads. Tests with Django's own policy are below."""

    @pytest.fixture
    def policy(self, settings):
        def set_policy(**directives: list[Any]) -> None:
            settings.MIDDLEWARE = ["csp.middleware.CSPMiddleware", *settings.MIDDLEWARE]
            settings.CONTENT_SECURITY_POLICY = {
                "DIRECTIVES": {name.replace("_", "-"): sources for name, sources in directives.items()}
            }

        return set_policy

    def blocked(self) -> str:
        return " ".join(message.msg for message in run_checks() if message.id == "enrollment_errors.W009")

    def test_a_nonce_allows_both_scripts_and_the_style_sheet(self, policy):
        from csp.constants import NONCE

        policy(default_src=["'none'"], script_src=[NONCE], style_src=[NONCE], connect_src=["'self'"])
        assert self.blocked() == ""

    def test_the_card_forms_host_allows_it_without_a_nonce(self, policy):
        policy(default_src=["'self'"], script_src=["'self'", "https://verify.processor.test"])
        assert self.blocked() == ""

    @pytest.mark.parametrize("source", ["https:", "*", "*.processor.test", "verify.processor.test"])
    def test_a_wider_source_allows_the_card_form_too(self, policy, source):
        policy(default_src=["'self'"], script_src=["'self'", source])
        assert self.blocked() == ""

    @pytest.mark.parametrize("source", ["https://other.test", "http://verify.processor.test", "*.other.test"])
    def test_a_policy_without_the_card_forms_host_is_warned_of(self, policy, source):
        policy(default_src=["'self'"], script_src=["'self'", source])
        assert "https://verify.processor.test/assets/js/littlepay.min.js" in self.blocked()

    def test_strict_dynamic_counts_no_hosts(self, policy):
        policy(default_src=["'self'"], script_src=["'self'", "https:", "'strict-dynamic'"])
        assert "script-src does not allow /static/enrollment_errors/enrollment.js" in self.blocked()

    def test_a_style_sheet_that_is_not_allowed_is_warned_of(self, policy):
        policy(default_src=["*"], style_src=["'none'"])
        assert self.blocked().endswith("style-src does not allow /static/enrollment_errors/enrollment.css.")

    def test_a_page_that_may_not_call_its_own_site_is_warned_of(self, policy):
        policy(default_src=["*"], connect_src=["'none'"])
        assert "connect-src does not allow 'self'" in self.blocked()

    def test_an_enrollment_that_may_not_be_posted_is_warned_of(self, policy):
        policy(default_src=["*"], form_action=["'none'"])
        assert "form-action does not allow 'self'" in self.blocked()

    def test_a_site_that_serves_its_files_from_elsewhere_must_allow_that(self, policy, settings):
        settings.STATIC_URL = "https://files.example/"
        policy(default_src=["'self'", "https://verify.processor.test"])
        assert "https://files.example/enrollment_errors/enrollment.js" in self.blocked()
        settings.STATIC_URL = "/static/"

    @pytest.fixture
    def framing(self, settings, ours):
        accounts = copy.deepcopy(settings.ENROLLMENT_ERRORS["ACCOUNTS"])
        accounts["littlepay"]["CLASS"] = f"{__name__}.FramingProcessor"
        ours(ACCOUNTS=accounts)

    def test_what_else_a_card_form_needs_is_warned_of(self, policy, framing):
        policy(default_src=["'self'", "https://verify.processor.test"])
        assert "frame-src does not allow https://frames.test." in self.blocked()
        assert "connect-src does not allow https://api.frames.test." in self.blocked()

    def test_an_older_child_src_decides_on_frames(self, policy, framing):
        policy(default_src=["*"], child_src=["'none'"])
        assert "frame-src does not allow https://frames.test." in self.blocked()

    def test_a_policy_that_allows_what_a_card_form_needs_is_not_warned_of(self, policy, framing):
        policy(
            default_src=["'self'", "https://verify.processor.test"],
            frame_src=["https://frames.test"],
            connect_src=["'self'", "*.frames.test"],
        )
        assert self.blocked() == ""

    def test_no_policy_blocks_nothing(self, settings):
        settings.MIDDLEWARE = ["csp.middleware.CSPMiddleware", *settings.MIDDLEWARE]
        settings.CONTENT_SECURITY_POLICY = {"EXCLUDE_URL_PREFIXES": ["/enrollment/"]}
        assert self.blocked() == ""

    @pytest.mark.skipif(django.VERSION < (6, 0), reason="Django has a Content-Security-Policy of its own from 6.0 on")
    @pytest.mark.parametrize("knows_the_nonce", [True, False])
    def test_djangos_own_nonce_needs_its_context_processor(self, settings, knows_the_nonce):
        settings.MIDDLEWARE = ["django.middleware.csp.ContentSecurityPolicyMiddleware", *settings.MIDDLEWARE]
        settings.SECURE_CSP = {"default-src": ["'self'"], "script-src": ["<CSP_NONCE_SENTINEL>"]}
        if knows_the_nonce:
            processors = ["django.template.context_processors.csp"]
            settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": {"context_processors": processors}}]
        assert (self.blocked() == "") is knows_the_nonce


class TestDeployment:
    @pytest.fixture(autouse=True)
    def ready(self, settings, ours, monkeypatch):
        """A site that gets no warnings."""
        settings.ROOT_URLCONF = Sites.WithOurErrorPage
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1",
                "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
            }
        }
        ours(AMPLITUDE_API_KEY="key")
        before = sentry_sdk.get_global_scope().client
        sentry_sdk.get_global_scope().set_client(client(before_send=scrub_event))
        yield
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(before)

    def test_a_site_that_is_ready_hears_nothing(self):
        assert told(deploy=True) == {}

    def test_a_developers_machine_hears_nothing_of_it(self, settings, ours):
        settings.ROOT_URLCONF = "tests.urls"
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        ours(AMPLITUDE_API_KEY="")
        assert told() == {}

    def test_djangos_bare_error_page_is_warned_of(self, settings):
        settings.ROOT_URLCONF = "tests.urls"
        assert told(deploy=True).keys() == {"W101"}

    def test_an_error_page_of_the_sites_own_is_fine(self, settings):
        settings.ROOT_URLCONF = Sites.WithItsOwnErrorPage
        assert told(deploy=True) == {}

    def test_an_error_template_of_the_sites_own_is_fine(self, settings, with_template):
        settings.ROOT_URLCONF = "tests.urls"
        with_template("500.html", "Sorry.")
        assert told(deploy=True) == {}

    def test_sentry_without_an_address_is_warned_of(self):
        sentry_sdk.get_global_scope().set_client(sentry_sdk.Client(""))
        assert told(deploy=True).keys() == {"W102"}

    @pytest.mark.parametrize(
        ("options", "hooks"),
        [
            ({}, ["before_send"]),
            ({"before_send": lambda event, hint: event}, ["before_send"]),
            ({"before_send": scrub_event, "traces_sample_rate": 0.1}, ["before_send_transaction"]),
            ({"traces_sampler": lambda context: 1}, ["before_send", "before_send_transaction"]),
        ],
    )
    def test_a_sentry_whose_events_nobody_scrubs_is_warned_of(self, options, hooks):
        sentry_sdk.get_global_scope().set_client(client(**options))
        warned = told(deploy=True)
        assert warned.keys() == {"W107"}
        assert f"in {' or '.join(hooks)}." in warned["W107"].msg
        for hook in hooks:
            assert f"{hook}=scrub_event" in warned["W107"].hint

    @pytest.mark.parametrize(
        "before_send",
        [lambda event, hint: scrub_event({**event, "tags": {}}), lambda event, hint: None, lambda event, hint: 1 / 0],
        ids=["that calls ours", "that sends nothing", "that fails, so that nothing is sent"],
    )
    def test_a_hook_of_the_sites_own_is_as_good(self, before_send):
        sentry_sdk.get_global_scope().set_client(client(before_send=before_send))
        assert told(deploy=True) == {}

    def test_traces_need_the_same(self):
        sentry_sdk.get_global_scope().set_client(
            client(before_send=scrub_event, before_send_transaction=scrub_event, traces_sample_rate=1.0)
        )
        assert told(deploy=True) == {}

    def test_amplitude_without_a_key_is_warned_of(self, ours):
        ours(AMPLITUDE_API_KEY="")
        assert told(deploy=True).keys() == {"W103"}

    @pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
    def test_a_cache_of_one_process_is_warned_of(self, settings, backend):
        settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
        assert told(deploy=True).keys() == {"W104"}

    @pytest.mark.parametrize("options", [{}, {"socket_timeout": 1}])
    def test_a_redis_that_may_hang_is_warned_of(self, settings, options):
        settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": options}}
        assert told(deploy=True).keys() == {"W105"}

    def test_a_processor_without_tls_is_warned_of(self, account):
        account(BASE_URL="http://processor.test")
        assert told(deploy=True).keys() == {"W106"}


def test_every_check_is_documented_under_its_id():
    written = {
        found
        for source in (ROOT / "enrollment_errors" / "checks").glob("*.py")
        for found in re.findall(r'\b(?:error|warning)\(\s*"([EW]\d{3})"', source.read_text())
    }
    documented = re.findall(r"^\| `enrollment_errors\.([EW]\d{3})`", (ROOT / "docs/installation.md").read_text(), re.M)
    assert sorted(documented) == sorted(written)


class TestHandler500:
    """What a rider gets when a middleware fails before our views run."""

    @pytest.fixture
    def broken_site(self, settings, client):
        settings.ROOT_URLCONF = Sites.WithOurErrorPage
        settings.MIDDLEWARE = ["tests.test_checks.failing", *settings.MIDDLEWARE]
        client.raise_request_exception = False
        return client

    def test_at_our_addresses_it_is_our_page(self, broken_site):
        response = broken_site.get("/enrollment/", headers={"accept-language": "en"})
        assert response.status_code == 500
        assert "Something went wrong on our side" in response.content.decode()

    @pytest.mark.parametrize("address", ["/nowhere/", "/elsewhere/"])
    def test_elsewhere_it_is_djangos(self, broken_site, address):
        response = broken_site.get(address)
        assert response.status_code == 500
        assert "<h1>Server Error (500)</h1>" in response.content.decode()


def failing(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        raise RuntimeError("a middleware of the site's")

    return middleware
