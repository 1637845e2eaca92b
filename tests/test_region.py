"""One proof and one card for several agencies: each has its own outcome, and no failure hides a success."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest
from django.utils import timezone

from enrollment_errors.adapter import MOST_TARGETS, Agency, Enrollment, ExpiryPolicy, Target
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.outcomes import Outcome
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.types import FundingSource
from enrollment_errors.region import Region
from enrollment_errors.results import Result
from enrollment_errors.rider_session import LOST, REGION
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import CARD_TOKEN, End, Rider
from tests.site import TestAdapter

pytest_plugins = ["tests.rider"]

HERE, COAST, HARBOR = "Mountain Valley Transit", "Coast Transit", "Harbor Transit"
COASTS, HARBORS = "group-coast", "group-harbor"
ALSO = {"coast": {"account": "coast", "group": COASTS}, "harbor": {"account": "harbor", "group": HARBORS}}
DOWN = Fault(kind="status", status=503)
STATE = re.compile(r"<dt>([^<]+)</dt>\s*<dd>\s*([^<]+?)\s*</dd>")


class RegionAdapter(TestAdapter):
    linked: Counter[str] = Counter()

    def on_success(self, request: HttpRequest, enrollment: Enrollment, result: Any) -> None:
        self.linked[enrollment.agency.slug] += 1


@pytest.fixture
def other() -> Iterator[SandboxServer]:
    """Another account's processor. It knows no cards of the first account."""
    with SandboxServer(Littlepay({HARBORS: "Harbor"})) as server:
        server.state.add_card("another-card-token")
        yield server


@pytest.fixture
def region(site: Any, sandbox: SandboxServer, other: SandboxServer, settings: Any) -> Any:
    """Two accounts know the same cards and the third does not, so one card serves two of the three agencies."""
    sandbox.state.add_group(COASTS)
    first = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]
    accounts = {"littlepay": copy.deepcopy(first), "coast": copy.deepcopy(first), "harbor": copy.deepcopy(first)}
    accounts["harbor"]["OPTIONS"].update(other.account()["OPTIONS"])
    for name in ("littlepay", "coast"):
        accounts[name]["OPTIONS"]["FUNDING_SOURCE_SCOPE"] = "the west"
    RegionAdapter.linked.clear()
    site(ACCOUNTS=accounts, ADAPTER=f"{__name__}.RegionAdapter")
    return site


@pytest.fixture
def rider(region: Any) -> Rider:
    return Rider().becomes_eligible(also=ALSO)


def states(end: End) -> dict[str, str]:
    targets, _, _ = end.text.partition('<section class="enrollment-help"')
    return dict(STATE.findall(targets))


def linked(sandbox: SandboxServer, group: str) -> int:
    return len(sandbox.state.groups[group].links)


def heading(end: End) -> str:
    return " ".join(re.findall(r"<h1>(.*?)</h1>", end.text, re.DOTALL)[0].split())


class TestAnEnrollment:
    def test_of_one_target_is_itself(self) -> None:
        enrollment = _enrollment()
        assert enrollment.each() == [enrollment]

    def test_of_several_is_one_for_each(self) -> None:
        policy = ExpiryPolicy(days=10, reenrollment_days=2)
        there = Agency(slug="there", name="There", home_url="/")
        enrollment = _enrollment(Target(agency=there, account="b", group_id="g", expiry=policy))
        here, other = enrollment.each()
        assert (here.agency.slug, here.account, here.also) == ("here", "a", ())
        assert (other.agency, other.account, other.group_id, other.expiry) == (there, "b", "g", policy)
        assert (other.flow, other.also) == ("senior", ())

    @pytest.mark.parametrize("group", ["", "..", "group"])
    def test_takes_no_target_without_a_group_or_twice(self, group: str) -> None:
        with pytest.raises(ConfigurationError):
            _enrollment(Target(agency=_agency(), account="a", group_id=group))

    def test_takes_no_more_targets_than_can_be_kept(self) -> None:
        targets = [Target(agency=_agency(), account="a", group_id=f"g{number}") for number in range(MOST_TARGETS)]
        with pytest.raises(ConfigurationError, match="5 is the most"):
            _enrollment(*targets)


def test_an_account_knows_its_own_cards_alone_unless_its_processor_says_otherwise() -> None:
    assert Processor.funding_source_scope("coast", {}) == "coast"


def _agency(**about: str) -> Agency:
    return Agency(**{"slug": "here", "name": "Here", "home_url": "/", **about})  # type: ignore[arg-type]


def _enrollment(*also: Target) -> Enrollment:
    return Enrollment(agency=_agency(), account="a", group_id="group", flow="senior", verifier="v", also=also)


class TestAllAreLinked:
    def test_by_one_card_where_the_accounts_know_the_same_cards(self, rider, sandbox):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        end = rider.walks()
        assert end.page == "success"
        assert states(end) == {HERE: "Enrolled", COAST: "Enrolled"}
        assert linked(sandbox, "group-seniors") == linked(sandbox, COASTS) == 1
        assert sandbox.calls["lookup"] == 1
        assert sandbox.calls["link"] == 2
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}

    def test_by_the_same_card_entered_again_where_they_do_not(self, rider, sandbox, other):
        end = rider.walks()
        assert end.page == "enroll_again"
        assert "Agencies left: 1" in end.text
        assert states(end) == {HERE: "Enrolled", COAST: "Enrolled", HARBOR: "Card needed"}

        end = rider.walks("another-card-token")
        assert end.page == "success"
        assert states(end) == {HERE: "Enrolled", COAST: "Enrolled", HARBOR: "Enrolled"}
        assert linked(other, HARBORS) == 1
        assert sandbox.calls["link"] == 2
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1, "harbor": 1}

    def test_and_the_page_names_all_of_them_before(self, rider):
        end = rider.opens_the_page()
        assert end.page == "enroll"
        assert "This card will be enrolled with:" in end.text
        assert HERE in end.text
        assert COAST in end.text

    def test_already(self, rider, sandbox):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        for group in ("group-seniors", COASTS):
            sandbox.state.link(sandbox.state.cards[CARD_TOKEN].id, group)
        end = rider.walks()
        assert end.page == "success"
        assert set(states(end).values()) == {"Already enrolled"}
        assert "This card already has the reduced fare" in end.text

    def test_and_one_was_already(self, rider, sandbox):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        sandbox.state.link(sandbox.state.cards[CARD_TOKEN].id, COASTS)
        end = rider.walks()
        assert end.page == "success"
        assert states(end) == {HERE: "Enrolled", COAST: "Already enrolled"}

    def test_and_the_next_enrollment_begins_anew(self, rider):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        rider.walks()
        assert rider.opens_the_page().page == "enroll"

    def test_each_with_its_own_expiry(self, rider, sandbox):
        rider.becomes_eligible(also={"coast": {**ALSO["coast"], "expires": True}})
        end = rider.walks()
        assert end.page == "success"
        assert end.text.count("Last day of the reduced fare") == 2
        assert end.text.count("It has no end date.") == 1
        [link] = sandbox.state.groups[COASTS].links.values()
        assert link.expiry is not None


class TestOneTargetFails:
    @pytest.fixture
    def rider(self, rider):
        return rider.becomes_eligible(also={"coast": ALSO["coast"]})

    @pytest.fixture
    def coast_down(self, sandbox):
        """The first link succeeds. The second is refused, so it was certainly not made."""
        sandbox.faults.set("link", Fault(kind="delay", seconds=0, times=1), Fault(kind="status", status=429))
        return sandbox

    def test_and_the_page_names_each(self, rider, coast_down):
        end = rider.walks()
        assert (end.page, end.status) == ("partial", 200)
        assert heading(end) == "Your card is enrolled with some agencies"
        assert states(end) == {HERE: "Enrolled", COAST: "Not enrolled yet"}
        assert end.reference
        assert RegionAdapter.linked == {"mountain": 1}

    def test_and_trying_again_repeats_only_that_with_the_same_card(self, rider, coast_down):
        end = rider.walks()
        coast_down.faults.clear()
        before = Counter(coast_down.calls)
        end = rider.checks_again(end)
        assert end.page == "success"
        assert states(end) == {HERE: "Enrolled", COAST: "Enrolled"}
        assert coast_down.calls - before == {"link": 1}
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}

    def test_and_fails_again(self, rider, coast_down):
        end = rider.walks()
        again = rider.checks_again(end)
        assert again.page == "partial"
        assert again.reference == end.reference

    def test_and_back_and_a_second_press_change_nothing(self, rider, coast_down):
        end = rider.walks()
        coast_down.faults.clear()
        assert rider.checks_again(end).page == "success"
        calls = Counter(coast_down.calls)
        assert rider.checks_again(end).page == "success"
        assert coast_down.calls == calls
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}

    def test_and_two_tabs_link_once(self, rider, coast_down):
        end = rider.walks()
        coast_down.faults.clear()
        kept = copy.deepcopy(rider.client.cookies)
        rider.checks_again(end)
        rider.client.cookies = kept
        assert rider.checks_again(end).page == "success"
        assert linked(coast_down, COASTS) == 1
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}

    def test_and_too_many_presses_wait(self, rider, coast_down, region):
        region(RIDER_REQUESTS=2)
        end = rider.walks()
        ends = [rider.checks_again(end) for _ in range(4)]
        assert ends[-1].status == 429
        assert ends[-1].page == "partial"
        assert states(ends[-1])[HERE] == "Enrolled"

    def test_and_another_card_can_be_entered_for_it(self, rider, coast_down):
        rider.walks()
        coast_down.faults.clear()
        coast_down.state.add_card("a-second-card")
        end = rider.walks("a-second-card")
        assert end.page == "success"
        assert linked(coast_down, "group-seniors") == linked(coast_down, COASTS) == 1

    def test_and_all_fail(self, rider, sandbox):
        sandbox.faults.set("link", Fault(kind="status", status=429))
        end = rider.walks()
        assert (end.page, end.status) == ("server_error", 500)

    def test_and_a_hanging_one_leaves_time_for_the_others(self, rider, sandbox, region):
        region(BUDGET=1.2, CONNECT_TIMEOUT=0.5, READ_TIMEOUT=1)
        sandbox.faults.set("link", Fault(kind="hang", times=1))
        sandbox.faults.set("groups", Fault(kind="hang", times=1))
        end = rider.walks()
        assert end.page == "partial"
        assert states(end) == {HERE: "Still checking", COAST: "Enrolled"}

    def test_and_too_early_is_a_state_of_its_own(self, rider, sandbox):
        rider.becomes_eligible(expires=True, also={"coast": ALSO["coast"]})
        source = sandbox.state.cards[CARD_TOKEN].id
        sandbox.state.link(source, "group-seniors", timezone.now() + timedelta(days=200))
        end = rider.walks()
        assert end.page == "partial"
        assert heading(end) == "Your card is enrolled"
        assert states(end) == {HERE: "Already enrolled", COAST: "Enrolled"}
        assert "First day to enroll again" in end.text


class TestAnAnswerIsLost:
    @pytest.fixture
    def rider(self, rider):
        return rider.becomes_eligible(also={"coast": ALSO["coast"]})

    @pytest.fixture
    def lost(self, sandbox):
        sandbox.faults.set(
            "link", Fault(kind="delay", seconds=0, times=1), Fault(kind="reset", after_effect=True, times=1)
        )
        sandbox.faults.set("groups", DOWN)
        return sandbox

    def test_and_the_page_says_so_of_that_target(self, rider, lost):
        end = rider.walks()
        assert end.page == "partial"
        assert heading(end) == "We are still checking"
        assert states(end) == {HERE: "Enrolled", COAST: "Still checking"}
        assert "Check again" in end.text

    def test_and_checking_settles_only_that(self, rider, lost):
        end = rider.walks()
        lost.faults.clear()
        before = Counter(lost.calls)
        end = rider.checks_again(end)
        assert end.page == "success"
        assert lost.calls - before == {"groups": 1}
        assert linked(lost, COASTS) == 1
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}

    def test_and_a_check_that_settles_nothing_is_not_told(self, rider, lost, telemetry):
        end = rider.walks()
        told = len(telemetry.records)
        again = rider.checks_again(end)
        assert states(again) == states(end)
        assert len(telemetry.records) == told

    def test_of_all(self, rider, sandbox):
        sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
        sandbox.faults.set("groups", DOWN)
        end = rider.walks()
        assert end.page == "still_checking"
        sandbox.faults.clear()
        assert rider.checks_again(end).page == "success"
        assert sandbox.calls["link"] == 2

    def test_and_the_same_card_entered_again_settles_it(self, rider, lost):
        rider.walks()
        lost.faults.clear()
        end = rider.walks()
        assert end.page == "success"
        assert lost.calls["link"] == 3  # the third is for the first agency, which had its link already
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}

    def test_and_a_failure_before_the_card_does_not_deny_it(self, rider, lost):
        rider.walks()
        lost.faults.clear()
        lost.faults.set("lookup", DOWN)
        end = rider.walks()
        assert end.page == "partial"
        assert states(end) == {HERE: "Not enrolled yet", COAST: "Still checking"}

    def test_and_another_visit_sees_and_settles_only_that(self, rider, lost):
        end = rider.walks()
        rider.client.cookies.pop("sessionid")
        other = rider.goes_to(end.url)
        assert states(other) == {COAST: "Still checking"}
        lost.faults.clear()
        assert rider.checks_again(end).page == "success"


class TestBeforeTheCard:
    def test_one_account_down_does_not_hinder_the_other(self, rider, sandbox, other):
        sandbox.faults.set("*", Fault(kind="down"))
        end = rider.walks()
        assert end.page == "partial"
        assert heading(end) == "Your card is not enrolled yet"
        assert states(end) == {HERE: "Not enrolled yet", COAST: "Not enrolled yet", HARBOR: "Card needed"}
        assert rider.walks("another-card-token").page == "partial"
        assert linked(other, HARBORS) == 1

        sandbox.faults.clear()
        end = rider.opens_the_page()
        assert end.page == "enroll_again"
        assert rider.walks().page == "success"

    def test_a_misconfigured_account_does_not_hinder_the_others(self, rider, region, settings, other):
        accounts = copy.deepcopy(settings.ENROLLMENT_ERRORS["ACCOUNTS"])
        accounts["littlepay"]["OPTIONS"]["CLIENT_ID"] = ""
        region(ACCOUNTS=accounts)
        rider.becomes_eligible(also={"harbor": ALSO["harbor"]})
        end = rider.walks("another-card-token")
        assert end.page == "partial"
        assert states(end) == {HERE: "Not enrolled yet", HARBOR: "Enrolled"}
        assert linked(other, HARBORS) == 1

    def test_an_open_circuit_does_not_hinder_the_others(self, rider, region, sandbox):
        region(BREAKER_FAILURES=1)
        sandbox.faults.set("*", Fault(kind="down"))
        Rider().becomes_eligible().walks()
        Rider().becomes_eligible().walks()
        end = rider.opens_the_page()
        assert states(end)[HARBOR] == "Card needed"
        assert rider.opens_the_page().page == "enroll"

    @pytest.mark.parametrize("event", ["failed", "form_not_loaded", "refused"])
    def test_a_card_form_that_fails_later_hides_no_success(self, rider, event):
        rider.walks()
        answer = rider.tells(event, 500)
        end = rider.goes_to(answer.json()["redirect"])
        assert end.page == "partial"
        assert states(end)[HERE] == "Enrolled"
        assert "Continue" in end.text

    def test_a_refused_card_at_the_start_is_the_page_there_is_for_it(self, rider):
        answer = rider.tells("refused")
        assert rider.goes_to(answer.json()["redirect"]).page == "check_card"
        assert rider.opens_the_page().page == "enroll"

    def test_a_lookup_that_fails_is_told_once(self, rider, sandbox, telemetry):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        sandbox.faults.set("lookup", DOWN)
        end = rider.walks()
        assert (end.page, end.status) == ("system_error", 503)
        assert len(telemetry.records) == 1

    def test_an_exception_of_the_site_hides_no_success(self, rider, region):
        rider.walks()
        region(ADAPTER="tests.test_region.BrokenAdapter")
        end = rider.goes_to("/enrollment/")
        assert end.page == "partial"
        assert states(end)[HERE] == "Enrolled"

    def test_an_exception_of_the_site_after_all_are_linked_hides_that_neither(self, rider, region):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        rider.walks()
        region(ADAPTER="tests.test_region.BrokenAdapter")
        assert rider.goes_to("/enrollment/").page == "success"

    def test_a_card_that_the_processors_site_refuses_or_a_rider_who_leaves_it_changes_nothing(self):
        region = Region.begun(_enrollment(Target(agency=_agency(), account="b", group_id="g")))
        left = Result(Outcome.UNFINISHED, "card_form_cancelled", "")
        refused = Result(Outcome.RETRY, "card_refused", "")
        assert region.end(left).outcome is Outcome.UNFINISHED
        assert region.end(refused).outcome is Outcome.RETRY
        first, _ = region.whole.each()
        card = FundingSource(id="card", scheme=None, category=None)
        region = region.with_end(first, Result(Outcome.SUCCESS, "linked", ""), card)
        assert region.with_end(first, left, None) == region
        assert region.end(left).outcome is Outcome.UNFINISHED
        assert (region.end(refused).outcome, region.end(refused).code) == (Outcome.PARTIAL, "card_refused")


class BrokenAdapter(RegionAdapter):
    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        raise RuntimeError("the site's database is down")


class TestInPerson:
    @pytest.fixture
    def staff(self, region):
        return Rider(base="/staff/").becomes_eligible(also=ALSO)

    def test_each_target_shows_its_code(self, staff, sandbox):
        sandbox.faults.set("link", Fault(kind="delay", seconds=0, times=1), Fault(kind="status", status=429))
        end = staff.walks()
        assert end.page == "partial"
        assert heading(end) == "The rider’s card is enrolled with some agencies"
        assert "<code>too_many_requests</code>" in end.text

    def test_the_card_is_asked_for_again(self, staff):
        end = staff.walks()
        assert end.page == "enroll_again"
        assert heading(end) == "Enter the rider’s card again"
        assert staff.walks("another-card-token").page == "success"

    @pytest.mark.parametrize("is_lost", [False, True])
    def test_nothing_is_seen_after_the_next_rider_but_what_is_unknown(self, staff, sandbox, is_lost):
        fault = Fault(kind="reset", after_effect=True) if is_lost else Fault(kind="status", status=429)
        sandbox.faults.set("link", Fault(kind="delay", seconds=0, times=1), fault)
        sandbox.faults.set("groups", DOWN)
        end = staff.walks()
        staff.client.post("/staff/next-rider/")
        assert not staff.client.cookies[REGION].value
        sandbox.faults.clear()
        back = staff.goes_to(end.url)
        if is_lost:
            assert states(back) == {COAST: "Still checking"}
            assert "an earlier rider" in back.text
            sandbox.faults.set("groups", DOWN)
            assert states(staff.checks_again(back)) == {COAST: "Still checking"}
            sandbox.faults.clear()
            assert staff.checks_again(back).page == "success"
        else:
            assert back.page == "cannot_enroll"


class TestTheCard:
    def test_of_one_round_goes_to_no_other(self, rider, other):
        page = rider.opens_the_page()
        rider.sends_the_form()
        rider.goes_back_to(page.text)
        end = rider.sends_the_form("another-card-token")
        assert end.page == "changed"
        assert linked(other, HARBORS) == 0

    def test_sent_twice_leads_to_where_the_first_came_to(self, rider, sandbox):
        page = rider.opens_the_page()
        rider.sends_the_form()
        rider.goes_back_to(page.text)
        end = rider.sends_the_form()
        assert end.page == "partial"
        assert states(end)[HERE] == "Enrolled"
        assert sandbox.calls["link"] == 2

    def test_sent_twice_at_once_is_told_once(self, rider, sandbox):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        rider.opens_the_page()
        kept = copy.deepcopy(rider.client.cookies)
        rider.sends_the_form()
        rider.client.cookies = kept
        assert rider.sends_the_form().page == "success"
        assert linked(sandbox, COASTS) == 1
        assert RegionAdapter.linked == {"mountain": 1, "coast": 1}


class TestWhatOperatorsHear:
    def test_of_each_agency_once(self, rider, telemetry):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        rider.walks()
        telemetry.settle(amplitude=2)
        events = telemetry.amplitude
        assert {event["event_properties"]["transit_agency"] for event in events} == {"mountain", "coast"}
        assert {event["event_properties"]["enrollment_group"] for event in events} == {"group-seniors", COASTS}
        assert len({event["event_properties"]["reference"] for event in events}) == 1
        assert len({event["insert_id"] for event in events}) == 2

    def test_of_each_try_under_the_same_reference(self, rider, sandbox, telemetry):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        sandbox.faults.set("link", Fault(kind="delay", seconds=0, times=1), Fault(kind="status", status=429))
        end = rider.walks()
        rider.checks_again(end)
        telemetry.settle(amplitude=3)
        assert len({event["insert_id"] for event in telemetry.amplitude}) == 3
        assert {event["event_properties"]["reference"] for event in telemetry.amplitude} == {end.reference}


class TestWhatIsKept:
    def test_fits_a_cookie_for_as_many_targets_as_there_may_be(self, rider, sandbox, caplog):
        names = [f"valley-and-mountains-{number}" for number in range(MOST_TARGETS - 1)]
        for name in names:
            sandbox.state.add_group(_uuid(name))
        also = {name: {"account": "coast", "group": _uuid(name), "expires": True} for name in names}
        sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
        sandbox.faults.set("groups", DOWN)
        rider.becomes_eligible(also=also, expires=True)
        rider.walks()
        assert "too long" not in caplog.text
        assert rider.client.cookies[REGION].value

    def test_is_nothing_for_one_target(self, rider):
        rider.becomes_eligible()
        assert rider.walks().page == "success"
        assert REGION not in rider.client.cookies

    def test_names_no_card(self, rider, sandbox):
        rider.walks()
        assert sandbox.state.cards[CARD_TOKEN].id not in rider.client.cookies[REGION].value

    def test_opens_nothing_in_another_visit(self, rider):
        end = rider.walks()
        rider.client.cookies.pop("sessionid")
        rider.becomes_eligible(also=ALSO)
        assert rider.opens_the_page().page == "enroll"
        assert rider.goes_to(end.url).page == "enroll"

    def test_of_a_lost_link_stays_when_another_takes_its_place(self, rider, sandbox):
        rider.becomes_eligible(also={"coast": ALSO["coast"]})
        sandbox.faults.set(
            "link", Fault(kind="delay", seconds=0, times=1), Fault(kind="reset", after_effect=True, times=1)
        )
        sandbox.faults.set("groups", DOWN)
        lost = rider.walks()
        sandbox.faults.clear()
        rider.client.cookies.pop("sessionid")
        rider.becomes_eligible(also=ALSO)
        sandbox.state.add_card("next-card")
        assert rider.walks("next-card").page == "enroll_again"
        assert LOST + lost.reference in rider.client.cookies
        assert states(rider.goes_to(lost.url)) == {COAST: "Still checking"}
        assert rider.checks_again(lost).page == "success"
        assert not rider.client.cookies[LOST + lost.reference].value


def _uuid(name: str) -> str:
    return f"{name:x<36}"
