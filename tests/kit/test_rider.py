"""The kit's rider treats the page as a browser does: it sends what the page says, even if the page changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import include, path

from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.rider import Rider
from tests.rider import Rider as Eligible
from tests.test_redirect_flow import GatewayProcessor, gateway  # noqa: F401  a fixture

pytest_plugins = ["enrollment_errors.testing.plugin"]


@pytest.fixture
def rider(enrollment_processor):
    enrollment_processor.state.add_card("card")
    return Rider(Eligible(enforce_csrf_checks=True).becomes_eligible().client)


def test_a_rider_enrolls_with_the_inputs_of_the_page(rider, enrollment_reports):
    assert_ended(rider.enrolls("card"), "success", told=enrollment_reports)


def test_a_rider_enrolls_on_a_page_that_was_opened_before(rider, enrollment_reports):
    page = rider.opens_page()
    rider.enrolls("card-2")
    enrollment_reports.clear()
    assert_ended(rider.enrolls("card", page), "success", told=enrollment_reports)


def test_a_rider_enrolls_at_a_site_that_sends_everybody_to_https(rider, settings, enrollment_reports):
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", *settings.MIDDLEWARE]
    settings.SECURE_SSL_REDIRECT = True
    settings.CSRF_COOKIE_SECURE = settings.SESSION_COOKIE_SECURE = True
    assert rider.asks_for_token().json()["token"]
    assert_ended(rider.enrolls("card"), "success", told=enrollment_reports)


def test_the_page_of_another_inclusion_enrolls_there(rider, enrollment_reports):
    end = Rider(rider.client, namespace="enrollment_errors_in_person").enrolls("card")
    assert end.wsgi_request.path.startswith("/staff/")
    assert_ended(end, "success", told=enrollment_reports)


def test_the_token_request_fails_and_leads_to_its_page(rider, enrollment_processor, enrollment_reports):
    enrollment_processor.is_down()
    assert_ended(rider.follows(rider.asks_for_token()), "system_error", told=enrollment_reports)


def test_a_report_on_the_card_form_leads_to_its_page(rider, enrollment_reports):
    assert_ended(rider.follows(rider.tells("refused")), "check_card", told=enrollment_reports)
    enrollment_reports.clear()
    assert_ended(rider.follows(rider.tells("failed", 500)), "system_error", told=enrollment_reports)


def test_a_rider_checks_again(rider, enrollment_processor, enrollment_reports):
    enrollment_processor.loses_the_answer_at("link")
    enrollment_processor.fails_at("groups", status=503)
    end = rider.enrolls("card")
    assert_ended(end, "still_checking", told=enrollment_reports)
    enrollment_processor.recovers()
    enrollment_reports.clear()
    assert_ended(rider.checks_again(end), "success", told=enrollment_reports)


@pytest.mark.parametrize("step", [Rider.enrolls, Rider.asks_for_token, lambda rider: rider.tells("started")])
def test_a_rider_who_may_not_enroll_gets_no_further_than_the_page(step):
    response = step(Rider(Client()))
    assert response.context["enrollment"]["page"] == "cannot_enroll"
    assert response.status_code == 403


def test_a_rider_meets_an_open_circuit_on_the_page(rider, enrollment_processor, enrollment_settings):
    enrollment_settings(BREAKER_FAILURES=1, ATTEMPTS=1)
    enrollment_processor.is_down()
    rider.enrolls("card")
    end = rider.enrolls("card")
    assert (end.context["enrollment"]["page"], end.context["enrollment"]["circuit_open"]) == ("enroll", True)


@pytest.mark.usefixtures("gateway")
def test_a_rider_comes_back_from_the_processors_own_site(enrollment_reports):
    rider = Rider(Eligible().becomes_eligible(account="gateway").client)
    assert rider.asks_for_token().json()["redirect"].startswith("https://gateway.example/")
    page = rider.opens_page(GatewayProcessor.registrations[-1])
    assert page.data["returned"] is True
    assert_ended(rider.enrolls(page=page), "success", told=enrollment_reports)


# A page that has more than ours: other inputs, other forms, other scripts.
PAGE = """
<form method="post"><input type="hidden" name="language" value="es"><input type="text" name="search"></form>
<script>var data = {};</script>
<form method="post" data-enrollment="form">
  <input type="hidden" name="csrfmiddlewaretoken" value="csrf">
  <input type="hidden" name="card_token">
  <input type="hidden" name="made_for" value="signed &quot;statement&quot;">
  <input type="text" name="typed" value="x">
</form>
<script id="enrollment-data" type="application/json">
  {"tokenUrl": "/page/token/", "reportUrl": "/page/card-form/", "madeFor": "signed"}
</script>
"""


def enroll(request: HttpRequest) -> HttpResponse:
    return JsonResponse(request.POST.dict()) if request.method == "POST" else HttpResponse(PAGE)


def echo(request: HttpRequest) -> HttpResponse:
    return JsonResponse(json.loads(request.body) | {"csrf": request.headers["X-CSRFToken"]})


urlpatterns = [
    path(
        "page/",
        include(
            (
                [path("", enroll, name="enroll"), path("token/", echo), path("card-form/", echo)],
                "enrollment_errors",
            )
        ),
    )
]


class TestAPageWithMoreInIt:
    @pytest.fixture
    def rider(self, settings: Any) -> Rider:
        settings.ROOT_URLCONF = __name__
        return Rider(Client())

    def test_all_hidden_inputs_of_its_form_are_posted_as_they_are(self, rider):
        assert rider.enrolls("card").json() == {
            "csrfmiddlewaretoken": "csrf",
            "card_token": "card",
            "made_for": 'signed "statement"',
        }

    def test_what_it_was_made_for_is_sent_with_every_request_of_its_script(self, rider):
        assert rider.asks_for_token().json() == {"made_for": "signed", "csrf": "csrf"}
        assert rider.tells("failed", 502).json() == {
            "event": "failed",
            "status": 502,
            "made_for": "signed",
            "csrf": "csrf",
        }
