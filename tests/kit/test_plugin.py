"""A site's tests need one line to say what the processor does, and one to check the result."""

from __future__ import annotations

import pytest

from enrollment_errors import conf
from enrollment_errors.sandbox.switchio import Switchio
from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.rider import Rider
from tests.inline.service import Inline
from tests.rider import Rider as Eligible

pytest_plugins = ["enrollment_errors.testing.plugin"]


@pytest.fixture
def client(enrollment_processor):
    enrollment_processor.state.add_card("card")
    return Eligible().becomes_eligible().client


def enroll(client, card_token="card"):
    return Rider(client).enrolls(card_token)


def test_an_enrollment_succeeds(client, enrollment_processor, enrollment_reports):
    assert_ended(enroll(client), "success", told=enrollment_reports, code="linked")
    assert enrollment_processor.calls == {"authorization": 1, "lookup": 1, "link": 1}


def test_the_processor_is_down(client, enrollment_processor, enrollment_reports):
    enrollment_processor.is_down()
    assert_ended(enroll(client), "system_error", told=enrollment_reports, code="processor_unreachable")


def test_the_processor_is_down_at_the_link(client, enrollment_processor, enrollment_reports):
    enrollment_processor.fails_at("link", status=503)
    response = enroll(client)
    assert_ended(
        response, "system_error", told=enrollment_reports, code="processor_error", stage="link", upstream_status=503
    )


def test_a_failure_is_an_incident(client, enrollment_processor, enrollment_reports, enrollment_incidents):
    enrollment_processor.fails_at("link", status=503)
    assert_ended(enroll(client), "system_error", told=enrollment_reports, listed=enrollment_incidents)
    [incident] = enrollment_incidents()
    assert (incident.stage, incident.upstream_status) == ("link", 503)


def test_a_success_is_none(client, enrollment_reports, enrollment_incidents):
    assert_ended(enroll(client), "success", told=enrollment_reports, listed=enrollment_incidents)
    assert enrollment_incidents() == []


def test_each_failure_has_an_incident_of_its_own(
    client, enrollment_processor, enrollment_reports, enrollment_incidents
):
    enrollment_processor.is_down()
    for number in (1, 2):
        enrollment_reports.clear()
        assert_ended(enroll(client), "system_error", told=enrollment_reports, listed=enrollment_incidents)
        assert len(enrollment_incidents()) == number


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("hang", "processor_timeout"),
        ("reset", "processor_unreachable"),
        ("cut", "processor_unreachable"),
        ("trickle", "deadline_exceeded"),
        ("not_json", "reply_not_json"),
    ],
)
def test_the_lookup_fails_in_every_other_way_without_waiting(
    client, enrollment_processor, enrollment_reports, kind, code
):
    enrollment_processor.fails_at("lookup", kind=kind)
    page = "server_error" if kind == "not_json" else "system_error"
    assert_ended(enroll(client), page, told=enrollment_reports, code=code, stage="lookup")


def test_a_delay_passes_at_once(client, enrollment_processor, enrollment_reports):
    enrollment_processor.fails_at("lookup", kind="delay", seconds=3600)
    assert_ended(enroll(client), "success", told=enrollment_reports)


def test_the_answer_to_the_link_is_lost_and_found(client, enrollment_processor, enrollment_reports):
    enrollment_processor.loses_the_answer_at("link")
    assert_ended(enroll(client), "success", told=enrollment_reports)
    assert enrollment_processor.calls["groups"] == 1


def test_the_processor_recovers(client, enrollment_processor, enrollment_reports):
    enrollment_processor.is_down()
    enroll(client)
    enrollment_processor.recovers()
    enrollment_reports.clear()
    assert_ended(enroll(client), "success", told=enrollment_reports)


def test_the_sandbox_stands_in_over_real_http(enrollment_sandbox, enrollment_reports):
    enrollment_sandbox.state.add_card("card")
    assert_ended(enroll(Eligible().becomes_eligible().client), "success", told=enrollment_reports, code="linked")
    assert enrollment_sandbox.calls["link"] == 1


class TestASiteWithTwoProcessors:
    @pytest.fixture(autouse=True)
    def site(self, settings):
        settings.ENROLLMENT_ERRORS = {
            **settings.ENROLLMENT_ERRORS,
            "ACCOUNTS": {
                **settings.ENROLLMENT_ERRORS["ACCOUNTS"],
                "switchio": {
                    "CLASS": Switchio.processor,
                    "OPTIONS": {**Switchio().options("https://switchio.test"), "API_SECRET": "the site's own"},
                },
                "of a site's own": {"CLASS": Inline.processor, "OPTIONS": Inline().options("https://inline.test")},
            },
        }

    def rider(self):
        return Rider(Eligible().becomes_eligible(account="switchio", group="VETERAN").client)

    def test_has_each_by_its_name_and_a_rider_who_leaves_and_comes_back(
        self, enrollment_processors, enrollment_reports
    ):
        assert sorted(enrollment_processors) == ["littlepay", "switchio"]
        rider = self.rider()
        gateway = rider.asks_for_token().json()["redirect"]
        returns_to = enrollment_processors["switchio"].service.finish_visit(gateway, card="visa")
        page = rider.opens_page(returns_to)
        assert_ended(rider.enrolls("", page=page), "success", told=enrollment_reports, code="linked")
        assert enrollment_processors["littlepay"].calls == {}

    def test_has_each_over_real_http(self, enrollment_sandboxes):
        gateway = self.rider().asks_for_token().json()["redirect"]
        assert gateway.startswith(enrollment_sandboxes["switchio"].control_url)

    def test_is_told_to_say_which_one_it_means(self, request):
        with pytest.raises(pytest.fail.Exception, match="the site has 2 such processors: take one of them by its name"):
            request.getfixturevalue("enrollment_processor")


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        ({"page": "system_error"}, "the page is 'success'"),
        ({"page": "sucess"}, "no page 'sucess'"),
        ({"page": "success", "code": "renewed"}, "the code is 'linked', not 'renewed'"),
        ({"page": "success", "stage": "lookup"}, "the stage is 'link', not 'lookup'"),
        ({"page": "success", "upstream_status": 503}, "the upstream status is None, not 503"),
    ],
)
def test_an_assertion_that_does_not_hold_says_why(client, enrollment_reports, expectation, words):
    response = enroll(client)
    with pytest.raises(AssertionError, match=words):
        assert_ended(response, told=enrollment_reports, **expectation)


def test_an_assertion_notices_what_was_told_twice(client, enrollment_reports):
    response = enroll(client)
    with pytest.raises(AssertionError, match="told 2 times"):
        assert_ended(response, "success", told=enrollment_reports * 2)


def test_an_assertion_notices_an_incident_that_is_not_listed(
    client, enrollment_processor, enrollment_reports, enrollment_incidents, enrollment_settings
):
    enrollment_settings(SINKS=[path for path in conf.DEFAULT_SINKS if path != conf.INCIDENT_SINK])
    enrollment_processor.is_down()
    response = enroll(client)
    with pytest.raises(AssertionError, match="0 incidents are listed under"):
        assert_ended(response, "system_error", told=enrollment_reports, listed=enrollment_incidents)


def test_an_assertion_notices_an_incident_of_something_else(
    client, enrollment_processor, enrollment_reports, enrollment_incidents
):
    enrollment_processor.is_down()
    response = enroll(client)
    [incident] = enrollment_incidents()
    incident.code = "teapot"
    with pytest.raises(AssertionError, match="the incident's code is 'teapot', not 'processor_unreachable'"):
        assert_ended(response, "system_error", told=enrollment_reports, listed=lambda: [incident])
