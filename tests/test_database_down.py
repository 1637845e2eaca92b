"""Sessions are in a database that is down: every page still renders and tells the truth."""

from __future__ import annotations

import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from enrollment_errors.outcomes import Outcome
from enrollment_errors.pages import PAGES
from enrollment_errors.references import signed
from tests.rider import Rider

REFUSED = {Outcome.NOT_ELIGIBLE, Outcome.CHANGED, Outcome.NO_MORE_CARDS, Outcome.TOO_MANY}


@pytest.fixture
def database_down(settings, django_db_blocker, tmp_path):
    """Every query raises a real OperationalError, because the file's folder does not exist."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    before = connections["default"]
    missing = {**before.settings_dict, "NAME": str(tmp_path / "missing" / "db.sqlite3")}
    connections["default"] = DatabaseWrapper(missing, "default")
    with django_db_blocker.unblock():
        yield
    connections["default"] = before


@pytest.fixture
def rider(site):
    rider = Rider()
    rider.client.cookies["sessionid"] = "s" * 32
    return rider


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - REFUSED - {Outcome.UNFINISHED, Outcome.PARTIAL}))
def test_every_result_page_renders_with_its_reference(database_down, rider, outcome):
    name = PAGES[outcome].name
    end = rider.goes_to(f"/enrollment/{name.replace('_', '-')}/?reference={signed('H7P-2QX-9MR', name)}")
    assert end.page == name
    if outcome is not Outcome.SUCCESS:
        assert end.reference == "H7P-2QX-9MR"


@pytest.mark.parametrize("outcome", sorted(REFUSED))
def test_every_page_of_a_refusal_renders(database_down, rider, outcome):
    assert rider.goes_to(f"/enrollment/{PAGES[outcome].path}").page == PAGES[outcome].name


def test_the_enroll_page_ends_on_the_generic_page_and_is_told_once(database_down, rider, telemetry):
    end = rider.goes_to("/enrollment/")
    assert (end.page, end.status) == ("server_error", 500)
    telemetry.settle(amplitude=1)
    told = [event["tags"].get("enrollment.reference") for event in telemetry.sentry]
    assert told.count(end.reference) == 1


def test_the_token_view_answers_with_an_envelope(database_down, rider):
    response = rider.asks_for_token()
    assert response.status_code == 500
    assert rider.goes_to(response.json()["redirect"]).page == "server_error"
