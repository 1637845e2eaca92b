"""A rider enrolls with Switchio over real TLS: every way that this can end, for the rider and for operators.

These are the rows in the table of outcomes in docs/processors.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from enrollment_errors.sandbox.faults import Fault
from tests.rider import patience_with
from tests.switchio import GROUP, Visitor

pytest_plugins = ["enrollment_errors.testing.plugin"]


def links(switchio):
    return switchio.state.groups[GROUP].links


def in_days(days: float) -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


@pytest.fixture
def expiring(switchio_site) -> Visitor:
    visitor = Visitor()
    visitor.becomes_eligible(account="switchio", group=GROUP, expires=True)
    return visitor


class TestARiderWhoEntersACard:
    def test_is_enrolled_and_sees_which_card_it_was(self, switchio, visitor, enrollment_reports):
        end = visitor.enrolls_at("visa")
        assert end.page == "success"
        assert "0119" in end.text
        assert len(links(switchio)) == 1
        [report] = enrollment_reports
        assert (report.code, report.processor) == ("linked", "switchio")

    def test_costs_a_question_a_visit_and_a_link(self, switchio, visitor):
        visitor.enrolls_at("visa")
        assert switchio.calls == {"tokenization": 1, "gateway": 1, "registration": 1, "groups": 1, "link": 1}

    def test_that_is_enrolled_already_sees_success_and_nothing_is_sent(self, switchio, visitor, enrollment_reports):
        assert visitor.enrolls_at("enrolled").page == "success"
        assert switchio.calls["link"] == 0
        assert enrollment_reports[0].code == "already_linked"

    def test_that_is_enrolled_for_long_keeps_its_expiry_and_is_too_early(self, switchio, expiring):
        end = expiring.enrolls_at("too-early")
        assert end.page == "too_early"
        [link] = links(switchio).values()
        assert abs(link.expiry - in_days(180)) < timedelta(minutes=1)

    @pytest.mark.parametrize(("card", "code"), [("in-window", "renewed"), ("expired", "renewed")])
    def test_whose_enrollment_ends_is_renewed(self, switchio, expiring, enrollment_reports, card, code):
        assert expiring.enrolls_at(card).page == "success"
        [link] = links(switchio).values()
        assert link.expiry > in_days(360)
        assert enrollment_reports[0].code == code

    def test_that_is_enrolled_for_ever_gets_the_expiry_of_the_benefit(self, switchio, expiring, enrollment_reports):
        assert expiring.enrolls_at("enrolled").page == "success"
        [link] = links(switchio).values()
        assert link.expiry > in_days(360)
        assert enrollment_reports[0].code == "expiry_set"

    def test_whose_enrollment_expires_where_the_benefit_does_not_has_the_expiry_cleared(
        self, switchio, visitor, enrollment_reports
    ):
        assert visitor.enrolls_at("too-early").page == "success"
        [link] = links(switchio).values()
        assert link.expiry is None
        assert enrollment_reports[0].code == "expiry_cleared"

    def test_that_the_enrollment_api_does_not_know_is_our_side(self, visitor, enrollment_reports):
        assert visitor.enrolls_at("unknown").page == "server_error"
        assert (enrollment_reports[0].code, enrollment_reports[0].stage) == ("request_refused", "groups")


class TestARiderWithoutACard:
    @pytest.mark.parametrize(
        ("chosen", "page", "code"),
        [
            ({"card": "refused"}, "check_card", "card_refused"),
            ({"card": "error"}, "system_error", "card_form_error"),
            ({"way": "cancel"}, "enroll", "card_form_cancelled"),
            ({"way": "leave"}, "enroll", "tokenization_running"),
            ({"way": "expire"}, "enroll", "tokenization_expired"),
            ({"way": "delete"}, "enroll", "tokenization_expired"),
        ],
    )
    def test_comes_to_the_page_that_says_what_became_of_the_visit(
        self, switchio, visitor, enrollment_reports, chosen, page, code
    ):
        assert visitor.comes_back(visitor.visits(), **chosen).page == page
        assert [report.code for report in enrollment_reports] == [code]
        assert links(switchio) == {}

    @pytest.mark.parametrize(
        ("chosen", "visits"), [({"way": "leave"}, 1), ({"way": "cancel"}, 2), ({"way": "expire"}, 2)]
    )
    def test_goes_on_with_the_same_visit_only_where_it_still_runs(self, switchio, visitor, chosen, visits):
        visitor.comes_back(visitor.visits(), **chosen)
        assert visitor.enrolls_at("visa").page == "success"
        assert switchio.calls["tokenization"] == visits

    def test_who_waited_too_long_before_going_there_gets_a_new_visit_first(self, switchio, visitor):
        first = visitor.visits()
        for registration in switchio.state.registrations.values():
            registration.created -= switchio.state.registration_seconds + 1
        second = visitor.visits()
        assert first != second
        assert visitor.comes_back(second, card="visa").page == "success"

    def test_who_forges_an_end_gets_no_card_by_it(self, switchio, visitor):
        visitor.visits()
        [registration] = switchio.state.registrations.values()
        assert visitor.returns(registration.return_url + "&state=x&token=4111111111111111").page == "enroll"
        assert links(switchio) == {}


class TestAProcessor:
    def test_that_is_down_is_said_before_the_rider_goes_there(self, switchio, visitor, enrollment_reports):
        switchio.faults.set("*", Fault(kind="down"))
        answer = visitor.asks_for_token()
        assert visitor.goes_to(answer.json()["redirect"]).page == "system_error"
        assert enrollment_reports[0].code == "processor_unreachable"

    def test_that_forgets_what_it_gave_out_begins_again(self, switchio, visitor):
        visitor.visits()
        switchio.state.revoke()
        assert visitor.enrolls_at("visa").page == "success"

    @pytest.mark.parametrize(
        ("endpoint", "fault", "page", "code"),
        [
            ("registration", {"kind": "status", "status": 503}, "system_error", "processor_error"),
            ("registration", {"kind": "hang"}, "system_error", "processor_timeout"),
            ("registration", {"kind": "not_json"}, "server_error", "reply_not_json"),
            ("registration", {"kind": "missing_fields"}, "server_error", "reply_incomplete"),
            ("groups", {"kind": "status", "status": 503}, "system_error", "processor_error"),
            ("groups", {"kind": "hang"}, "system_error", "processor_timeout"),
            ("groups", {"kind": "reset"}, "system_error", "processor_unreachable"),
            ("groups", {"kind": "status", "status": 401}, "server_error", "credentials_refused"),
            ("groups", {"kind": "status", "status": 403}, "server_error", "permission_refused"),
            ("link", {"kind": "status", "status": 400}, "server_error", "request_refused"),
            ("link", {"kind": "status", "status": 503}, "system_error", "processor_error"),
        ],
    )
    def test_that_fails_after_the_visit_ends_on_the_page_of_its_failure_and_nothing_is_linked(
        self, switchio, site, visitor, enrollment_reports, endpoint, fault, page, code
    ):
        site(**patience_with(Fault(**fault)))
        switchio.faults.set(endpoint, Fault(**fault))
        assert visitor.enrolls_at("visa").page == page
        assert [report.code for report in enrollment_reports] == [code]
        assert links(switchio) == {}

    def test_whose_answer_to_the_link_is_lost_is_asked_and_the_rider_sees_success(self, switchio, visitor):
        switchio.faults.set("link", Fault(kind="reset", after_effect=True, times=1))
        assert visitor.enrolls_at("visa").page == "success"
        assert (switchio.calls["link"], switchio.calls["groups"]) == (1, 2)

    def test_that_cannot_be_asked_then_is_asked_again_later(self, switchio, visitor):
        end = lose_the_answer(switchio, visitor)
        assert visitor.checks_again(end).page == "success"
        assert switchio.calls["link"] == 1

    def test_whose_gateways_page_answers_the_link_is_asked(self, switchio, visitor):
        switchio.faults.set("link", Fault(kind="not_json", after_effect=True, times=1))
        assert visitor.enrolls_at("visa").page == "success"

    def test_whose_tokenization_is_down_still_tells_what_became_of_a_link(self, switchio, switchio_site, visitor):
        end = lose_the_answer(switchio, visitor)
        switchio_site(BREAKER_FAILURES=1)
        switchio.faults.set("tokenization", Fault(kind="status", status=503))
        other = Visitor()
        other.becomes_eligible(account="switchio", group=GROUP)
        for code in ("processor_error", "circuit_open"):
            assert other.asks_for_token().json()["errors"][0]["code"] == code
        assert visitor.checks_again(end).page == "success"


def lose_the_answer(switchio, visitor):
    """We ask about the card, then link it. The answer to the link is lost, and we cannot ask about the card again."""
    switchio.faults.set("link", Fault(kind="reset", after_effect=True, times=1))
    answered = Fault(kind="delay", seconds=0, times=1)
    switchio.faults.set("groups", answered, Fault(kind="status", status=503, times=2))
    end = visitor.enrolls_at("visa")
    assert end.page == "still_checking"
    return end
