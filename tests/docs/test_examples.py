"""Each code example in the documentation, run in the test site, does what the words around it say."""

from __future__ import annotations

import json
import re
import sys
import types
from typing import Any

import pytest
from django.template import engines
from django.utils.translation import get_language_info

from enrollment_errors import conf
from enrollment_errors.accounts.models import Account
from enrollment_errors.reporting.signals import enrollment_failed
from enrollment_errors.sandbox.switchio import Switchio
from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.rider import Rider
from enrollment_errors.transport.circuit import circuit_opened
from tests.rider import Rider as Eligible

from .blocks import ROOT, Block, blocks_of

pytest_plugins = ["enrollment_errors.testing.plugin"]

MODULE = "documented"


def block_with(page: str, words: str) -> Block:
    [block] = [block for block in blocks_of(ROOT / page) if words in block.code]
    return block


@pytest.fixture
def documented(monkeypatch):
    """Makes a module from the only block on a page that contains these words."""

    def module(page: str, words: str) -> Any:
        made = types.ModuleType(MODULE)
        monkeypatch.setitem(sys.modules, MODULE, made)
        exec(block_with(page, words).code, vars(made))
        return made

    return module


@pytest.fixture
def rider(enrollment_processor):
    enrollment_processor.state.add_card("card")
    return Rider(Eligible().becomes_eligible(group="group-seniors").client)


def test_the_host_class_enrolls_a_rider_and_hears_of_it(documented, rider, enrollment_settings, enrollment_reports):
    documented("docs/adapter.md", "def on_success")
    enrollment_settings(ADAPTER=f"{MODULE}.MyAdapter")
    end = rider.enrolls("card")
    reference = assert_ended(end, "success", told=enrollment_reports)
    assert rider.client.session["enrolled"] == reference
    assert end.context["survey_url"] == "/survey/"
    assert [found.group_id for found in conf.get_adapter().get_enrollments_to_check()] == [
        "group-low-income",
        "group-veterans",
    ]


def test_receivers_of_signals_are_called(documented, rider, enrollment_processor, enrollment_settings, capsys):
    receivers = documented("docs/events.md", "enrollment_failed")
    enrollment_settings(BREAKER_FAILURES=1, ATTEMPTS=1)
    enrollment_processor.fails_at("lookup", status=503)
    try:
        end = rider.enrolls("card")
    finally:
        enrollment_failed.disconnect(receivers.count_failure)
        circuit_opened.disconnect(receivers.call_somebody)
    said = capsys.readouterr().out
    assert re.search(rf"^{end.context['enrollment']['reference']} \w+ 503$", said, re.MULTILINE)
    assert "littlepay is down until " in said


def test_a_sink_of_the_sites_own_hears_beside_the_default_ones(
    documented, rider, enrollment_processor, enrollment_settings, enrollment_reports, capsys
):
    sinks = documented("docs/events.md", "SINKS = [").SINKS
    assert tuple(sinks[:-1]) == conf.DEFAULT_SINKS
    documented("docs/events.md", "class PagerSink")
    enrollment_settings(SINKS=[path.replace("mysite.telemetry", MODULE) for path in sinks])
    enrollment_processor.fails_at("lookup", status=404)

    assert_ended(rider.enrolls("card"), "server_error", told=enrollment_reports)

    assert f"{enrollment_reports[0].reference}: {enrollment_reports[0].code} at" in capsys.readouterr().out


def test_a_rule_of_the_sites_own_comes_first(
    documented, rider, enrollment_processor, enrollment_settings, enrollment_reports
):
    enrollment_settings(RULES=documented("docs/settings.md", "RULES = [").RULES)
    enrollment_processor.fails_at("lookup", status=404, body="no upstream")
    assert_ended(rider.enrolls("card"), "system_error", told=enrollment_reports, code="processor_deploying")


def test_an_event_of_the_site_loses_its_secrets(documented):
    event = {"request": {"url": "https://site.example/", "data": {"card_token": "7f3a91"}, "cookies": "session"}}
    sent = documented("docs/security-and-privacy.md", "before_send").before_send(event, {})
    assert "7f3a91" not in json.dumps(sent)


@pytest.mark.django_db
def test_the_status_answers_at_the_address_that_a_monitor_reads(documented, client, settings, enrollment_settings):
    documented("docs/operations.md", "import status")
    settings.ROOT_URLCONF = MODULE
    enrollment_settings(STATUS_TOKEN="monitor")
    answer = client.get("/status/enrollment/", headers={"Authorization": "Bearer monitor"})
    assert "littlepay" in json.dumps(answer.json())
    assert client.get("/status/enrollment/").status_code == 404


def test_an_error_page_stands_where_a_request_fails_early(documented, client, settings):
    documented("docs/installation.md", "handler500")
    settings.ROOT_URLCONF = MODULE
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Broken"]
    client.raise_request_exception = False
    assert client.get("/enrollment/").context["enrollment"]["page"] == "server_error"


class Broken:
    def __init__(self, get_response: Any) -> None: ...

    def __call__(self, request: Any) -> Any:
        raise RuntimeError("a middleware of the site")


def test_tagalog_is_known_to_django_with_the_readmes_settings(documented, monkeypatch):
    from django.conf.locale import LANG_INFO

    for name in ("fil", "tl"):
        monkeypatch.setitem(LANG_INFO, name, LANG_INFO.get(name, {}))
    documented("README.md", "LANG_INFO[")
    assert get_language_info("fil")["name"] == get_language_info("tl")["name"] == "Tagalog"


class TestTemplates:
    @pytest.fixture
    def templates(self, settings, tmp_path):
        """A folder for the site's own templates, which Django finds first."""
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        yield tmp_path
        engines._engines = {}

    def test_a_block_of_one_page_is_replaced_for_one_inclusion(self, templates, rider):
        (templates / "enrollment_errors" / "in_person").mkdir(parents=True)
        code = block_with("docs/pages.md", "Hand the card back").code
        (templates / "enrollment_errors" / "in_person" / "success.html").write_text(code)
        words = "Hand the card back to the rider."
        assert words in Rider(rider.client, namespace="enrollment_errors_in_person").enrolls("card").content.decode()
        assert words not in rider.enrolls("card").content.decode()

    def test_a_base_of_the_sites_own_carries_every_page(self, templates, rider, enrollment_settings):
        (templates / "base.html").write_text(block_with("docs/pages.md", "<!doctype html>").code)
        enrollment_settings(BASE_TEMPLATE="base.html")
        page = rider.opens_page()
        assert page.data
        assert "Skip to main content" in page.response.content.decode()
        assert rider.enrolls("card").context["enrollment"]["page"] == "success"


def test_accounts_of_the_sites_own_enroll_riders(
    documented, rider, settings, enrollment_processor, enrollment_settings
):
    options = dict(settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]["OPTIONS"])
    ours = documented("docs/settings.md", "class OurAccounts")
    ours.VAULT = {"the agency's": options.pop("CLIENT_SECRET")}
    ours.AGENCIES = {"littlepay": {"options": options, "secret": "the agency's"}}
    enrollment_settings(ACCOUNTS=f"{MODULE}.OurAccounts")
    assert list(ours.OurAccounts().get_names()) == ["littlepay"]
    assert rider.enrolls("card").context["enrollment"]["page"] == "success"


@pytest.mark.django_db
def test_secrets_come_from_the_sites_own_vault(documented, rider, settings, enrollment_processor, enrollment_settings):
    options = dict(settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]["OPTIONS"])
    vault = documented("docs/settings.md", "def secret_named")
    vault.VAULT = {"the-agencys-secret": options["CLIENT_SECRET"]}
    entry = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]
    Account.objects.create(
        name="littlepay",
        processor=entry["CLASS"],
        is_active=True,
        options={**options, "CLIENT_SECRET": "the-agencys-secret"},
    )
    enrollment_settings(
        ACCOUNTS="enrollment_errors.accounts.provider.DatabaseAccounts", SECRETS=f"{MODULE}.secret_named"
    )
    assert rider.enrolls("card").context["enrollment"]["page"] == "success"


@pytest.mark.parametrize("story", ["test_a_rider_enters_a_card_at_switchio", "test_a_rider_cancels_at_switchio"])
def test_a_sites_tests_follow_a_rider_to_switchio_and_back(documented, settings, request, enrollment_reports, story):
    options = Switchio().options("https://switchio.test")
    settings.ENROLLMENT_ERRORS = {
        **settings.ENROLLMENT_ERRORS,
        "ACCOUNTS": {"switchio": {"CLASS": Switchio.processor, "OPTIONS": options}},
    }
    processors = request.getfixturevalue("enrollment_processors")
    client = Eligible().becomes_eligible(account="switchio", group="VETERAN").client
    getattr(documented("docs/testing.md", "finish_visit"), story)(client, processors, enrollment_reports)
