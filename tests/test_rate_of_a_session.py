"""One session cannot use up what all riders share."""

from __future__ import annotations

import pytest

from enrollment_errors.sandbox.faults import Fault
from tests.rider import Rider


@pytest.fixture
def few(site):
    site(RIDER_REQUESTS=2)


class TestASessionThatAsksTooOften:
    def test_gets_a_clear_page_that_says_when_to_try_again_and_calls_nobody(self, sandbox, few, rider):
        for number in range(2):
            rider.enrolls(f"card-{number}")
        calls = sandbox.calls.total()
        response = rider.client.post("/enrollment/", {**rider.hidden, "card_token": "card-3"})
        assert (response.status_code, response.context["enrollment"]["page"]) == (429, "too_many")
        assert "Please wait a minute" in response.content.decode()
        assert 0 < int(response["Retry-After"]) <= 60
        assert sandbox.calls.total() == calls

    @pytest.mark.parametrize("url", ["token", "card-form"])
    def test_gets_a_clear_answer_from_what_the_script_asks(self, few, rider, url):
        rider.opens_the_page()
        for _ in range(2):
            rider.posts_as_the_script(f"/enrollment/{url}/", {"event": "started"})
        response = rider.posts_as_the_script(f"/enrollment/{url}/", {"event": "started"})
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
        [error] = response.json()["errors"]
        assert error["code"] == "too_many"
        assert rider.goes_to(response.json()["redirect"]).page == "too_many"

    def test_that_checks_again_too_often_is_still_told_that_the_card_is_being_checked(self, sandbox, few, rider):
        """The card may be enrolled, so no page may say that it was not used."""
        sandbox.faults.set("link", Fault(kind="reset"))
        end = rider.enrolls()
        for _ in range(2):
            rider.checks_again(end)
        calls = sandbox.calls.total()
        response = rider.client.post(end.url)
        assert (response.status_code, response.context["enrollment"]["page"]) == (429, "still_checking")
        assert end.reference in response.content.decode()
        assert int(response["Retry-After"]) > 0
        assert sandbox.calls.total() == calls

    def test_leaves_the_others_alone(self, sandbox, few, rider):
        for number in range(3):
            rider.enrolls(f"card-{number}")
        assert Rider().becomes_eligible().enrolls().page == "success"
