"""A site may run its tests with its production cache: the kit adds nothing to it and removes nothing from it."""

from __future__ import annotations

import pytest
from django.core.cache import cache, caches

from enrollment_errors import conf
from enrollment_errors.account_directory import get_account
from enrollment_errors.opening import circuit_state
from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.conformance import ProcessorConformance
from enrollment_errors.testing.rider import Rider
from enrollment_errors.transport.circuit import Phase
from tests.rider import Rider as Eligible

from .backends import backend_of
from .cautious_cache import CautiousCache

pytest_plugins = ["enrollment_errors.testing.plugin"]

SESSION_KEYS = "django.contrib.sessions.cache"


@pytest.fixture
def sites_cache(settings):
    """Like the site's Redis: it has sessions, and keys that the site's other servers wrote."""
    settings.CACHES = {"default": {"BACKEND": f"{CautiousCache.__module__}.CautiousCache", "LOCATION": "site"}}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    cache.set("somebody-else's", 1)
    CautiousCache.begin()
    yield CautiousCache
    assert cache.get("somebody-else's") == 1
    assert CautiousCache.emptied == 0
    caches["default"].clear()


@pytest.mark.parametrize("processor", ["enrollment_processor", "enrollment_sandbox"])
def test_a_site_keeps_its_sessions_and_gets_no_key_of_the_app(sites_cache, request, processor, enrollment_reports):
    rider = Rider(Eligible().becomes_eligible().client)
    request.getfixturevalue(processor).state.add_card("card")
    assert_ended(rider.enrolls("card"), "success", told=enrollment_reports)
    assert [key for key in sites_cache.touched if not key.startswith(SESSION_KEYS)] == []


@pytest.mark.parametrize("fixture", ["enrollment_settings", "enrollment_reports", "enrollment_incidents"])
def test_a_site_with_a_fake_of_its_own_gets_a_private_cache_too(request, db, fixture):
    assert conf.get_settings().CACHE == "default"
    request.getfixturevalue(fixture)
    assert caches[conf.get_settings().CACHE] is not cache


@pytest.fixture
def production(settings):
    settings.ENROLLMENT_ERRORS = {
        **settings.ENROLLMENT_ERRORS,
        "AMPLITUDE_API_KEY": "the site's",
        "SINKS": conf.DEFAULT_SINKS,
    }


@pytest.mark.usefixtures("production", "enrollment_reports")
def test_a_site_with_its_production_settings_sends_no_event_and_starts_no_thread():
    assert conf.get_settings().AMPLITUDE_API_KEY == ""
    assert conf.INCIDENT_SINK not in conf.get_settings().SINKS


@pytest.mark.usefixtures("production")
def test_incidents_are_kept_whatever_order_the_fixtures_come_in(enrollment_incidents, enrollment_reports):
    assert conf.INCIDENT_SINK in conf.get_settings().SINKS


def test_a_change_of_settings_keeps_the_private_cache(enrollment_settings):
    alias = conf.get_settings().CACHE
    enrollment_settings(BUDGET=6)
    assert (conf.get_settings().BUDGET, conf.get_settings().CACHE) == (6, alias)


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_begins_with_closed_circuits(enrollment_processor, enrollment_settings, turn):
    enrollment_settings(BREAKER_FAILURES=1, ATTEMPTS=1)
    assert circuit_state(get_account("littlepay")).phase is Phase.CLOSED
    enrollment_processor.is_down()
    Rider(Eligible().becomes_eligible().client).enrolls("card")
    assert circuit_state(get_account("littlepay")).phase is Phase.OPEN


@pytest.mark.usefixtures("sites_cache")
class TestConformance(ProcessorConformance):
    """The suite for processors leaves the site's cache alone too."""

    @pytest.fixture
    def backend(self, sites_cache):
        with backend_of(Littlepay()) as backend:
            yield backend
            assert sites_cache.touched == set()
