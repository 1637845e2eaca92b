"""One settings dict: the error for each mistake names it and shows the fix, but never shows a value."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.conf import settings as django_settings

from enrollment_errors import conf
from enrollment_errors.account_directory import get_account
from enrollment_errors.adapter import Agency
from enrollment_errors.classification import Rule
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.outcomes import Outcome, Stage
from enrollment_errors.processors.account import Account
from tests.site import TestAdapter

GOOD = django_settings.ENROLLMENT_ERRORS
ALIAS = "littlepay"
SUCCESS_ANYWHERE = Rule(status=409, outcome=Outcome.SUCCESS, code="fine", reason="fine")
UNFINISHED_AT_THE_LOOKUP = Rule(stage=Stage.LOOKUP, outcome=Outcome.UNFINISHED, code="later", reason="later")
PARTIAL = Rule(stage=Stage.LINK, outcome=Outcome.PARTIAL, code="some", reason="some")
UNKNOWN_AT_THE_LOOKUP = Rule(stage=Stage.LOOKUP, outcome=Outcome.UNKNOWN, code="perhaps", reason="perhaps")


def changed(**keys: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), **keys}


def test_the_smallest_site_needs_a_host_and_a_processor():
    assert conf.get_settings().ADAPTER is TestAdapter
    assert isinstance(conf.get_adapter(), TestAdapter)
    assert get_account(ALIAS).processor.name == "littlepay"


def test_settings_that_change_are_read_anew(settings):
    settings.ENROLLMENT_ERRORS = changed(RELEASE="1.2.3")
    assert conf.get_settings().RELEASE == "1.2.3"


@pytest.mark.parametrize(
    ("app", "missing"),
    [
        ("enrollment_errors.incidents", {conf.LEDGER_SINK}),
        ("enrollment_errors.ledger", {conf.INCIDENT_SINK}),
        ("", {conf.INCIDENT_SINK, conf.LEDGER_SINK}),
    ],
)
def test_incidents_and_ledger_hear_where_their_app_is_installed(settings, app, missing):
    settings.INSTALLED_APPS = ["enrollment_errors", *filter(None, [app])]
    settings.ENROLLMENT_ERRORS = {name: value for name, value in GOOD.items() if name != "SINKS"}
    assert set(conf.DEFAULT_SINKS) - set(conf.get_settings().SINKS) == missing


def test_the_sites_own_dict_is_never_written():
    before = copy.deepcopy(GOOD)
    conf.get_settings()
    assert before == GOOD


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ["missing", "ADAPTER", "ACCOUNTS"]),
        ({"ACCOUNTS": GOOD["ACCOUNTS"]}, ['"ADAPTER"', "missing"]),
        ({"ADAPTER": GOOD["ADAPTER"]}, ['"ACCOUNTS"', "missing"]),
        (changed(BUGDET=3), ['"BUGDET"', 'Did you mean "BUDGET"?']),
        (changed(XYZZY=3), ['"XYZZY"', "known keys", "BREAKER_OPEN"]),
        (
            changed(ADAPTER="no.such.Adapter"),
            ['"ADAPTER"', "no.such.Adapter", "cannot be imported", "package.module.Class"],
        ),
        (changed(ADAPTER="collections.OrderedDict"), ["not a subclass", "enrollment_errors.adapter.Adapter"]),
        (changed(ADAPTER=3), ['"ADAPTER"', "dotted path", "int"]),
        (changed(BUDGET="8"), ['"BUDGET"', "seconds", "str"]),
        (changed(BUDGET=True), ['"BUDGET"', "bool"]),
        (changed(BUDGET=0), ['"BUDGET"', "above 0 and below 3600."]),
        (changed(BUDGET=3600), ['"BUDGET"', "above 0 and below 3600."]),
        (changed(WATCH_EVERY=3600), ['"WATCH_EVERY"', "below 3600"]),
        (changed(BUDGET=2), ["READ_TIMEOUT", "below BUDGET"]),
        (changed(ATTEMPTS=0), ['"ATTEMPTS"', "from 1 to 9999."]),
        (changed(ATTEMPTS=10_000), ['"ATTEMPTS"', "from 1 to 9999."]),
        (changed(BREAKER_FAILURES=101), ['"BREAKER_FAILURES"', "at most 100"]),
        (changed(RIDER_REQUESTS=101), ['"RIDER_REQUESTS"', "at most 100"]),
        (changed(ATTEMPTS=1.5), ['"ATTEMPTS"', "whole number"]),
        (changed(RELEASE=1), ['"RELEASE"', "a string"]),
        (changed(SENTRY_EVENT_URL="https://sentry.example/"), ['"SENTRY_EVENT_URL"', "{event_id}"]),
        (changed(RUNBOOK_URLS="x"), ['"RUNBOOK_URLS"', "a dict of strings", "str"]),
        (changed(RUNBOOK_URLS={"*": 1}), ['"RUNBOOK_URLS"', "a dict of strings"]),
        (changed(RUNBOOK_URLS={"*": "/wiki"}), ['"RUNBOOK_URLS"', '"*"', "whole URL", "https://wiki.example"]),
        (changed(SUPPORT_CONTACTS=["x"]), ['"SUPPORT_CONTACTS"', "a dict of strings"]),
        (changed(SINKS="x"), ['"SINKS"', "a list"]),
        (changed(SINKS=[1]), ['"SINKS"', "list of strings"]),
        (changed(SINKS=["mysite.Gone"]), ['"SINKS"', '"mysite.Gone" cannot be imported', "reporting.sink.Sink"]),
        (changed(SINKS=["collections.OrderedDict"]), ['"SINKS"', "OrderedDict", "send(report)"]),
        (changed(RULES=["x"]), ['"RULES"', "Rule"]),
        (changed(RULES="x"), ['"RULES"', "a list"]),
        (changed(RULES=[SUCCESS_ANYWHERE]), ['"RULES"', "Stage.LINK", '"fine"']),
        (changed(RULES=[UNFINISHED_AT_THE_LOOKUP]), ['"RULES"', "Stage.CARD_FORM", '"later"']),
        (changed(RULES=[PARTIAL]), ['"RULES"', "PARTIAL", '"some"']),
        (changed(RULES=[UNKNOWN_AT_THE_LOOKUP]), ['"RULES"', "Stage.LINK", '"perhaps"']),
        (changed(ALLOWED_REDIRECT_HOSTS="x"), ['"ALLOWED_REDIRECT_HOSTS"', "a list"]),
        (changed(ALLOWED_REDIRECT_HOSTS=[1]), ['"ALLOWED_REDIRECT_HOSTS"', "list of strings"]),
        (changed(FALLBACK_AGENCY="x"), ['"FALLBACK_AGENCY"', "Agency"]),
        (changed(ACCOUNTS={}), ['"ACCOUNTS"', "CLASS"]),
        (changed(ACCOUNTS="no.such.Accounts"), ['"ACCOUNTS"', "cannot be imported", "AccountProvider"]),
    ],
)
def test_a_mistake_names_itself_and_shows_the_fix(settings, value, words):
    settings.ENROLLMENT_ERRORS = value
    with pytest.raises(ConfigurationError) as caught:
        conf.get_settings()
    for word in words:
        assert word in str(caught.value)


def test_a_mistake_never_shows_a_secret(settings):
    settings.ENROLLMENT_ERRORS = changed(RELEASE=("s3cr3t",))
    with pytest.raises(ConfigurationError) as caught:
        conf.get_settings()
    assert "s3cr3t" not in str(caught.value)
    account = Account(name="a", processor=object, options=GOOD["ACCOUNTS"][ALIAS], endpoints={})  # type: ignore[arg-type]
    assert "tests-client-secret" not in repr(account)
    settings.ENROLLMENT_ERRORS = GOOD
    assert "tests-client-secret" not in repr(conf.get_settings())


def test_rules_hosts_and_the_fallback_agency_are_taken_as_given(settings):
    rule = Rule(status=418, stage=Stage.LINK, outcome=Outcome.SUCCESS, code="teapot", reason="tea")
    agency = Agency(slug="a", name="A", home_url="/a/")
    settings.ENROLLMENT_ERRORS = changed(RULES=[rule], FALLBACK_AGENCY=agency, ALLOWED_REDIRECT_HOSTS=["id.example"])
    assert conf.get_settings().RULES == (rule,)
    assert conf.get_settings().FALLBACK_AGENCY is agency
    assert conf.get_settings().ALLOWED_REDIRECT_HOSTS == ("id.example",)


def test_events_go_to_everything_that_is_installed_unless_the_site_says_where(settings):
    settings.ENROLLMENT_ERRORS = {name: value for name, value in GOOD.items() if name != "SINKS"}
    assert conf.get_settings().SINKS == conf.DEFAULT_SINKS
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.incidents"]
    conf.get_settings.cache_clear()
    assert conf.INCIDENT_SINK not in conf.get_settings().SINKS
