"""What operators find in the admin, who may view it, and that nobody can change anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import override

from enrollment_errors.adapter import Agency, Enrollment
from enrollment_errors.exceptions import ConnectionFailed
from enrollment_errors.incidents.filters import BoundedPaginator
from enrollment_errors.incidents.models import DIMENSIONS, Incident
from enrollment_errors.transport.circuit import Circuit
from tests.doctor.site import TellingAdapter
from tests.transport.brittle_cache import BrittleCache

from .conftest import ended, facts

pytestmark = pytest.mark.django_db

TELLING = next(iter(TellingAdapter().get_enrollments_to_check()))
NOW = datetime(2026, 11, 21, 22, 5, tzinfo=timezone.utc)
LIST = "admin:enrollment_incidents_incident_changelist"
OVERVIEW = "admin:enrollment_incidents_ending_changelist"


class ReachableAdapter(TellingAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        agency = Agency(
            slug="coast",
            name="Coast Transit",
            home_url="/",
            phone="(555) 010-0111",
            hours="Monday to Friday, 8 to 5",
            website="https://coast.example",
        )
        return [replace(TELLING, agency=agency)]


class UnreachableAdapter(TellingAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        return [replace(TELLING, agency=Agency(slug="mountain", name="Mountain", home_url="/"))]


def sign_in(*permissions: str) -> Client:
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return sign_in("view_incident")


@pytest.fixture
def five_past() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def incident(**changes: Any) -> Incident:
    created: Incident = Incident.objects.create(**facts(at=NOW - timedelta(minutes=5), **changes))
    return created


def count(number: int = 1, *, ago: timedelta = timedelta(minutes=5), **changes: Any) -> None:
    ended(number, at=NOW - ago, **changes)


def text(response: Any) -> str:
    assert response.status_code == 200
    return plain(response.content.decode())


def queries(visit: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert visit().status_code == 200
    return len(captured)


def plain(html: str) -> str:
    """The text that a person reads."""
    words = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    return unescape(re.sub(r" ([.,:;])", r"\1", words))


class TestWhoMayLook:
    def test_an_operator_with_the_permission_sees_both_on_the_admins_first_page(self, operator: Client) -> None:
        page = operator.get(reverse("admin:index")).content.decode()

        assert reverse(LIST) in page
        assert reverse(OVERVIEW) in page

    @pytest.mark.parametrize("page", [LIST, OVERVIEW])
    def test_staff_without_the_permission_do_not(self, page: str) -> None:
        staff = sign_in("view_user")

        assert staff.get(reverse(page)).status_code == 403
        assert reverse(page) not in staff.get(reverse("admin:index")).content.decode()

    @pytest.mark.parametrize("page", [LIST, OVERVIEW])
    def test_a_visitor_is_asked_to_sign_in(self, page: str, client: Client) -> None:
        assert client.get(reverse(page)).status_code == 302

    def test_the_permission_is_not_one_to_learn_whether_a_reference_exists(self) -> None:
        incident()

        assert sign_in("view_user").get(reverse(LIST), {"q": "H7P-2QX-9MR"}).status_code == 403

    @pytest.mark.parametrize("model", ["incident", "ending"])
    def test_nobody_not_even_a_superuser_changes_anything(self, model: str, admin_client: Client) -> None:
        found = incident()
        count()

        assert admin_client.get(reverse(f"admin:enrollment_incidents_{model}_add")).status_code == 403
        for name in ("change", "delete"):
            address = reverse(f"admin:enrollment_incidents_{model}_{name}", args=[found.pk])
            assert admin_client.post(address, {"code": "x"}).status_code == 403


class TestSearch:
    @pytest.mark.parametrize("typed", ["H7P-2QX-9MR", "h7p 2qx 9mr", " h7p-20x-9nr "])
    def test_a_reference_as_it_is_typed_from_the_phone_leads_to_its_incident(
        self, operator: Client, typed: str
    ) -> None:
        found = incident()
        incident(reference="4FW-GXR-2CC")

        response = operator.get(reverse(LIST), {"q": typed})

        assert response["Location"] == reverse("admin:enrollment_incidents_incident_change", args=[found.pk])

    def test_one_that_can_mean_two_incidents_lists_both(self, operator: Client) -> None:
        incident(reference="F4W-GXR-2CC")
        incident(reference="54W-GXR-2CC")
        incident()

        page = text(operator.get(reverse(LIST), {"q": "S4W-GXR-2CC"}))

        assert "F4W-GXR-2CC" in page
        assert "54W-GXR-2CC" in page
        assert "H7P-2QX-9MR" not in page

    def test_one_that_is_not_there_says_where_else_to_look(self, operator: Client) -> None:
        incident()

        page = text(operator.get(reverse(LIST), {"q": "4FW-GXR-2CC"}))

        assert "No incident has the reference “4FW-GXR-2CC”" in page
        assert "older than the 90 days" in page
        assert "look for it in the log." in page
        assert "H7P-2QX-9MR" not in page

    @pytest.mark.parametrize(
        ("typed", "how"),
        [
            ("H7V-2QX-9MR", "P, not V, in place 3"),
            ("H7C-2QX-9MR", "P, not C, in place 3"),
            ("H7P-2QF-9MR", "X, not F, in place 6"),
            ("H7V-2QF-9MR", "P, not V, in place 3; X, not F, in place 6"),
            ("87P-2QX-9MR", "H, not 8, in place 1"),
            ("H7P-2QX-9MW", "R, not W, in place 9"),
            ("H7P-2XQ-9MR", "Q, not X, in place 5; X, not Q, in place 6"),
            ("H7P-2X-9MR", "Q, not nothing, in place 5"),
            ("H7P-2QX-9M9R", "nothing, not 9, in place 9"),
        ],
    )
    def test_one_that_was_heard_wrong_is_found_and_how_it_differs_is_said(
        self, operator: Client, typed: str, how: str
    ) -> None:
        found = incident()
        incident(reference="4FW-GXR-2CC")

        page = operator.get(reverse(LIST), {"q": typed})

        assert f"H7P-2QX-9MR ({how})" in text(page)
        assert reverse("admin:enrollment_incidents_incident_change", args=[found.pk]) in page.content.decode()
        assert "4FW-GXR-2CC" not in text(page)

    @pytest.mark.parametrize("typed", ["9FW-9XR-9CC", "H7P", "Lopez"])
    def test_one_that_nothing_is_near_gets_no_suggestions(self, operator: Client, typed: str) -> None:
        incident()

        assert "Heard wrong" not in text(operator.get(reverse(LIST), {"q": typed}))

    def test_what_is_no_reference_is_told_what_one_looks_like(self, operator: Client) -> None:
        assert "nine letters and digits, such as H7P-2QX-9MR" in text(operator.get(reverse(LIST), {"q": "Lopez"}))


class TestTheIncident:
    @pytest.fixture
    def page_of(self, operator: Client) -> Callable[..., str]:
        def get(**changes: Any) -> str:
            response = operator.get(
                reverse("admin:enrollment_incidents_incident_change", args=[incident(**changes).pk])
            )
            assert response.status_code == 200
            return str(response.content.decode())

        return get

    def test_says_which_call_failed_why_and_what_to_do(self, page_of: Callable[..., str]) -> None:
        page = plain(page_of())

        assert "POST api/v1/concession_groups/{group_id}/fundingsources" in page
        assert "503" in page
        assert "The processor answered with a status of 500 or above." in page
        assert "If this continues for more than 15 minutes, open a ticket with the processor" in page

    @pytest.mark.parametrize(
        ("outcome", "enrolled", "tell"),
        [
            ("system_error", "Not by this attempt.", "please try again later."),
            ("server_error", "Not by this attempt.", "We have to fix it before you can enroll."),
            ("unknown", "Not known.", "Please check again on the enrollment page"),
            ("too_early", "Yes, from before.", "It is too early to renew it"),
            ("success", "Yes, as far as the processor says.", "we want to check"),
            ("retry", "Not by this attempt.", "Please check the number"),
            ("unfinished", "Not by this attempt.", "go on from there"),
        ],
    )
    def test_says_first_whether_the_card_is_enrolled_and_what_to_tell_the_rider(
        self, page_of: Callable[..., str], outcome: str, enrolled: str, tell: str
    ) -> None:
        page = plain(page_of(outcome=outcome))

        assert page.index(enrolled) < page.index(tell) < page.index("The failure")

    def test_says_in_a_sentence_what_happened_when_for_whom_and_at_which_step(
        self, page_of: Callable[..., str], site: Any
    ) -> None:
        site(ADAPTER="tests.doctor.site.TellingAdapter")

        page = plain(page_of(agency=TELLING.agency.slug))

        assert (
            f"Nov. 21, 2026, 2 p.m. PST: an enrollment for {TELLING.agency.name} with the account mountain-account "
            "failed at the step “linking the card” (status 503). The processor answered with a status of 500 or above."
        ) in page

    @pytest.mark.parametrize(
        ("changes", "ended"),
        [
            ({"outcome": "unknown"}, "for mountain with the account mountain-account may have failed at the step"),
            ({"outcome": "retry", "upstream_status": None, "stage": "card_form"}, "did not get past the card form at"),
            (
                {"agency": "", "account": "", "stage": "", "upstream_status": None},
                "Nov. 21, 2026, 2 p.m. PST: an enrollment failed. The processor",
            ),
        ],
    )
    def test_says_as_much_as_is_known(self, page_of: Callable[..., str], changes: dict[str, Any], ended: str) -> None:
        assert ended in plain(page_of(**changes))

    def test_says_whom_to_call(self, page_of: Callable[..., str], site: Any) -> None:
        site(
            ADAPTER="tests.incidents.test_admin.ReachableAdapter",
            SUPPORT_CONTACTS={"littlepay": "support@littlepay.example, +44 20 7946 0000 <day and night>"},
        )

        page = page_of(agency="coast")

        assert "Coast Transit: (555) 010-0111, Monday to Friday, 8 to 5, https://coast.example" in plain(page)
        assert 'href="tel:5550100111"' in page
        assert "Support of littlepay: support@littlepay.example, +44 20 7946 0000 &lt;day and night&gt;" in re.sub(
            "</?a[^>]*>", "", page
        )

    def test_says_of_an_account_who_helps_with_that_account(self, page_of: Callable[..., str], site: Any) -> None:
        site(SUPPORT_CONTACTS={"littlepay": "the desk", "mountain-account": "our own manager"})

        page = plain(page_of())

        assert "Support of littlepay: our own manager" in page
        assert "the desk" not in page

    @pytest.mark.parametrize("changes", [{}, {"agency": "", "processor": ""}])
    def test_names_nobody_where_nobody_is_known(
        self, page_of: Callable[..., str], site: Any, changes: dict[str, str]
    ) -> None:
        site(ADAPTER="tests.incidents.test_admin.UnreachableAdapter")

        assert "Who to call: - " in plain(page_of(**changes))

    @pytest.mark.parametrize(
        ("urls", "address"),
        [
            (
                {"processor_error": "https://wiki.example/503", "*": "https://wiki.example/other"},
                "https://wiki.example/503",
            ),
            ({"*": "https://wiki.example/{code}"}, "https://wiki.example/processor_error"),
        ],
    )
    @pytest.mark.usefixtures("five_past")
    def test_leads_to_the_sites_own_runbook(
        self, page_of: Callable[..., str], operator: Client, site: Any, urls: dict[str, str], address: str
    ) -> None:
        site(RUNBOOK_URLS=urls)
        count()

        assert f'<a href="{address}">Your runbook</a>' in page_of()
        assert f'<a href="{address}">Your runbook</a>' in operator.get(reverse(OVERVIEW)).content.decode()

    def test_says_of_a_system_error_what_a_rider_hears_whom_we_have_promised_to_finish(
        self, page_of: Callable[..., str], settings: Any
    ) -> None:
        assert "that page tells you when your card is enrolled" in plain(page_of(outcome="system_error"))
        settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.settling"]
        assert "You were not charged. Please try again later." in plain(page_of(outcome="system_error"))

    def test_says_that_a_promise_was_not_kept(self, page_of: Callable[..., str]) -> None:
        page = plain(page_of(outcome="system_error", code="link_not_finished"))
        assert "No. We told the rider that we would finish it, and could not." in page
        assert "Please enroll again." in page

    def test_says_that_an_operator_has_switched_enrollment_off(self, page_of: Callable[..., str]) -> None:
        assert "Enrollment is switched off for now" in plain(page_of(outcome="system_error", code="switched_off"))

    def test_of_a_code_of_the_sites_own_rules_says_so(self, page_of: Callable[..., str]) -> None:
        assert "A code of this site&#x27;s own rules" in page_of(code="teapot")

    def test_links_to_the_sentry_event(self, page_of: Callable[..., str], site: Any) -> None:
        site(SENTRY_EVENT_URL="https://example.sentry.io/issues/?query={event_id}")

        assert 'href="https://example.sentry.io/issues/?query=abc123"' in page_of(sentry_event_id="abc123")

    def test_names_the_sentry_event_where_the_site_has_not_said_where_sentry_is(
        self, page_of: Callable[..., str]
    ) -> None:
        assert "abc123" in page_of(sentry_event_id="abc123")

    @pytest.mark.parametrize("status", [503, None])
    def test_leads_to_the_others_of_its_cause(
        self, page_of: Callable[..., str], operator: Client, status: int | None
    ) -> None:
        incident(reference="4FW-GXR-2CC", upstream_status=status, agency="harbor")
        incident(reference="99C-FGH-JMP", upstream_status=504)
        page = page_of(upstream_status=status)
        link = re.search(r'href="([^"]+)">All incidents of this cause', page)
        assert link

        others = text(operator.get(link[1].replace("&amp;", "&")))

        assert "4FW-GXR-2CC" in others
        assert "99C-FGH-JMP" not in others

    def test_leads_to_what_else_failed_then(self, page_of: Callable[..., str], operator: Client) -> None:
        Incident.objects.create(**facts(reference="4FW-GXR-2CC", code="processor_timeout", at=NOW))
        Incident.objects.create(**facts(reference="99C-FGH-JMP", at=NOW - timedelta(hours=1)))
        link = re.search(r'href="([^"]+)">What else failed', page_of(code="circuit_open"))
        assert link

        others = text(operator.get(link[1].replace("&amp;", "&")))

        assert "4FW-GXR-2CC" in others
        assert "99C-FGH-JMP" not in others


class TestTheList:
    def test_says_in_words_what_happened_to_whom_at_which_step(self, operator: Client) -> None:
        incident(code="processor_tls_failed", stage="lookup", upstream_status=None)
        incident(agency="", account="", stage="site", code="configuration_error", outcome="server_error")
        incident(code="teapot", stage="", upstream_status=None)

        page = text(operator.get(reverse(LIST)))

        assert "mountain mountain-account Processor TLS failed looking up the card System error H7P-2QX-9MR" in page
        assert "no agency no account Configuration error before any call, status 503 Server error H7P-2QX-9MR" in page
        assert "mountain mountain-account Teapot - System error" in page

    def test_has_the_newest_first(self, operator: Client) -> None:
        Incident.objects.create(**facts(reference="H7P-2QX-9MR", at=NOW - timedelta(days=2)))
        Incident.objects.create(**facts(reference="4FW-GXR-2CC", at=NOW))

        page = text(operator.get(reverse(LIST)))

        assert page.index("4FW-GXR-2CC") < page.index("H7P-2QX-9MR")

    @pytest.mark.parametrize(
        ("name", "value", "other"),
        [
            ("outcome", "system_error", "unknown"),
            ("agency", "mountain", "harbor"),
            ("account", "littlepay", "harbor-account"),
            ("flow", "senior", "veteran"),
            ("method", "self_service", "in_person"),
            ("stage", "link", "lookup"),
            ("side", "backend", "frontend"),
            ("code", "processor_error", "processor_timeout"),
            ("processor", "littlepay", "switchio"),
        ],
    )
    def test_is_narrowed_by(self, operator: Client, name: str, value: str, other: str) -> None:
        incident(**{name: value})
        incident(**{name: other, "reference": "4FW-GXR-2CC"})
        count(**{name: value} if name in DIMENSIONS else {})

        response = operator.get(reverse(LIST), {name: value})

        page = text(response)
        assert "H7P-2QX-9MR" in page
        assert "4FW-GXR-2CC" not in page
        changelist = response.context["cl"]
        choices = [choice for spec in changelist.filter_specs for choice in spec.choices(changelist)]
        assert [choice for choice in choices if choice["selected"] and value in choice["query_string"]]

    @pytest.mark.usefixtures("five_past")
    def test_is_narrowed_by_time(self, operator: Client) -> None:
        incident()
        Incident.objects.create(**facts(reference="4FW-GXR-2CC", at=NOW - timedelta(hours=2)))

        assert "4FW-GXR-2CC" not in text(operator.get(reverse(LIST), {"hours": "1"}))
        assert "4FW-GXR-2CC" in text(operator.get(reverse(LIST), {"hours": "24"}))
        assert "4FW-GXR-2CC" in text(operator.get(reverse(LIST), {"hours": "nonsense"}))

    def test_says_where_it_ends(self, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(BoundedPaginator, "BOUND", 3)
        Incident.objects.bulk_create(Incident(**facts()) for _ in range(5))

        assert "These are the newest 3." in text(operator.get(reverse(LIST)))

    def test_asks_the_database_as_often_for_fifty_rows_as_for_one(self, operator: Client) -> None:
        incident()
        of_one = queries(lambda: operator.get(reverse(LIST)))
        Incident.objects.bulk_create(Incident(**facts()) for _ in range(80))

        assert queries(lambda: operator.get(reverse(LIST))) == of_one


@pytest.mark.usefixtures("five_past")
class TestTheOverview:
    @pytest.fixture
    def overview(self, operator: Client) -> Callable[..., Any]:
        return lambda **query: operator.get(reverse(OVERVIEW), query)

    def rows(self, response: Any) -> list[str]:
        section = response.content.decode().partition('id="causes"')[2].partition("</section>")[0]
        rows = section.partition("<tbody>")[2].split("</tr>")[:-1]
        return [plain(row) for row in rows]

    def test_has_a_row_for_each_cause_with_how_often_since_when_and_for_whom(
        self, overview: Callable[..., Any]
    ) -> None:
        count(3, agency="mountain", ago=timedelta(days=2))
        count(4, agency="harbor", ago=timedelta(minutes=5))
        count(1, agency="mountain", code="processor_timeout", upstream_status=None)

        first, second = self.rows(overview())

        assert first.startswith("Processor error processor_error The processor answered with a status of 500 or above.")
        assert "littlepay, linking the card, status 503." in first
        assert first.endswith("7 Nov. 19, 2026, 2:05 p.m. Nov. 21, 2026, 2 p.m. harbor, mountain")
        assert second.startswith("Processor timeout processor_timeout The processor was silent")

    def test_names_agencies_as_people_know_them(self, overview: Callable[..., Any], site: Any) -> None:
        site(ADAPTER="tests.doctor.site.TellingAdapter")
        count(agency=TELLING.agency.slug)

        [row] = self.rows(overview())

        assert row.endswith(TELLING.agency.name)
        assert TELLING.agency.slug != TELLING.agency.name

    def test_names_them_by_their_slugs_where_the_sites_own_code_fails(
        self, overview: Callable[..., Any], site: Any
    ) -> None:
        site(ADAPTER="tests.doctor.site.FailingAdapter")
        count()

        assert self.rows(overview())[0].endswith("mountain")

    def test_tells_how_many_failures_were_only_counted(self, overview: Callable[..., Any]) -> None:
        count(500, unlisted=440)

        assert "500 (440 of them only counted)" in self.rows(overview())[0]

    def test_counts_in_the_period_and_still_tells_since_when_it_goes_on(self, overview: Callable[..., Any]) -> None:
        count(3, ago=timedelta(days=5))
        count(4)

        [row] = self.rows(overview(period="day"))

        assert row.endswith("4 Nov. 16, 2026, 2:05 p.m. Nov. 21, 2026, 2 p.m. mountain")

    def test_a_week_is_today_and_the_six_days_before(self, overview: Callable[..., Any]) -> None:
        # Midnight in Los Angeles was fourteen hours and five minutes ago.
        count(3, ago=timedelta(days=6, hours=14))
        count(4, ago=timedelta(days=6, hours=15))

        [row] = self.rows(overview(period="week"))

        assert " 3 Nov. 14" in row

    def test_leaves_out_what_did_not_happen_in_the_period(self, overview: Callable[..., Any]) -> None:
        count(ago=timedelta(days=5))

        assert self.rows(overview(period="hour")) == []

    def test_shows_expected_refusals_only_where_they_are_wanted(self, overview: Callable[..., Any]) -> None:
        count(outcome="retry", code="card_refused", upstream_status=None)

        assert self.rows(overview()) == []
        assert len(self.rows(overview(show="all"))) == 1

    @pytest.mark.parametrize(
        "narrow", [{"agency": "harbor"}, {"account": "harbor-account"}, {"flow": "veteran"}, {"method": "in_person"}]
    )
    def test_is_narrowed(self, overview: Callable[..., Any], narrow: dict[str, str]) -> None:
        count(3)
        count(4, **narrow)

        response = overview(**narrow)

        assert len(self.rows(response)) == 1
        assert " 4 Nov. 21" in self.rows(response)[0]
        assert [chart.bars[-1].total for chart in response.context["charts"]] == [4]

    @pytest.mark.parametrize("query", [{"period": "nonsense"}, {"agency": "nobody"}, {"show": ""}])
    def test_takes_what_it_cannot_read_for_not_asked(self, overview: Callable[..., Any], query: dict[str, str]) -> None:
        count()

        assert len(self.rows(overview(**query))) == 1

    def test_leads_from_a_cause_to_its_incidents(self, overview: Callable[..., Any], operator: Client) -> None:
        count()
        incident()
        incident(reference="4FW-GXR-2CC", upstream_status=504)
        link = re.search(r'href="([^"]+)">Processor error', overview().content.decode())
        assert link

        page = text(operator.get(link[1].replace("&amp;", "&")))

        assert "H7P-2QX-9MR" in page
        assert "4FW-GXR-2CC" not in page

    def test_asks_the_database_as_often_for_a_thousand_causes_as_for_one(self, overview: Callable[..., Any]) -> None:
        count()
        of_one = queries(overview)
        for number in range(100):
            count(agency=f"agency-{number % 10}", code=f"code-{number}", ago=timedelta(hours=number))

        assert queries(overview) == of_one


@pytest.mark.usefixtures("five_past")
class TestTheRates:
    @pytest.fixture
    def rates(self, operator: Client) -> Callable[..., list[str]]:
        def get(**query: str) -> list[str]:
            page = operator.get(reverse(OVERVIEW), query).content.decode()
            section = page.partition('id="rates"')[2].partition("</section>")[0]
            return [plain(row) for row in section.partition("<tbody>")[2].split("</tr>")[:-1]]

        return get

    def test_there_is_one_for_each_account_and_agency_the_one_with_the_most_faults_first(
        self, rates: Callable[..., list[str]]
    ) -> None:
        count(9, outcome="success", agency="mountain")
        count(1, agency="mountain")
        count(1, outcome="success", agency="harbor")
        count(2, agency="harbor", outcome="unknown")
        count(3, agency="harbor", outcome="server_error")
        count(1, outcome="success", agency="harbor", account="harbor-account")

        assert rates() == [
            "harbor mountain-account 17% 1 3 2 0",
            "mountain mountain-account 90% 9 1 0 0",
            "harbor harbor-account 100% 1 0 0 0",
        ]

    def test_what_is_expected_does_not_count(self, rates: Callable[..., list[str]]) -> None:
        count(1, outcome="success")
        count(5, outcome="retry", code="card_refused")
        count(6, outcome="system_error", code="switched_off")

        assert rates() == ["mountain mountain-account 100% 1 0 0 11"]

    def test_there_is_none_where_nothing_succeeded_or_failed(
        self, rates: Callable[..., list[str]], operator: Client
    ) -> None:
        count(5, outcome="retry", code="card_refused")

        assert rates() == ["mountain mountain-account - 0 0 0 5"]
        assert "No rate: nothing succeeded or failed" in text(operator.get(reverse(OVERVIEW)))

    @pytest.mark.parametrize(("succeeded", "failed", "rate"), [(999, 1, "99%"), (1, 999, "1%"), (0, 3, "0%")])
    def test_only_what_is_exact_is_nothing_or_all(
        self, rates: Callable[..., list[str]], succeeded: int, failed: int, rate: str
    ) -> None:
        if succeeded:
            count(succeeded, outcome="success")
        count(failed)

        assert f" {rate} " in rates()[0]

    def test_they_are_of_the_period(self, rates: Callable[..., list[str]]) -> None:
        count(1, outcome="success")
        count(1, ago=timedelta(minutes=70))
        count(2, ago=timedelta(days=2))
        count(4, ago=timedelta(days=9))
        count(8, ago=timedelta(days=40))

        found = {period: rates(period=period)[0].split()[-3] for period in ("hour", "day", "week", "month", "all")}

        assert found == {"hour": "0", "day": "1", "week": "3", "month": "7", "all": "15"}

    def test_they_lead_to_the_incidents_behind_them(self, rates: Callable[..., list[str]], operator: Client) -> None:
        count(agency="mountain", flow="senior")
        incident(agency="mountain", flow="senior")
        incident(agency="mountain", flow="veteran", reference="4FW-GXR-2CC")
        incident(agency="harbor", reference="99C-FGH-JMP")
        page = operator.get(reverse(OVERVIEW), {"flow": "senior"}).content.decode()
        link = re.search(r'href="([^"]+)">mountain</a>', page)
        assert link

        incidents = text(operator.get(unescape(link[1])))

        assert "H7P-2QX-9MR" in incidents
        assert "4FW-GXR-2CC" not in incidents
        assert "99C-FGH-JMP" not in incidents


@pytest.mark.usefixtures("five_past")
class TestTheCharts:
    @pytest.fixture
    def charts(self, operator: Client) -> Callable[..., str]:
        return lambda **query: operator.get(reverse(OVERVIEW), query).content.decode()

    def test_there_is_one_for_each_account_and_agency_with_its_rate(self, charts: Callable[..., str]) -> None:
        count(account="mountain-account")
        count(3, account="harbor-account", agency="harbor", outcome="success")
        count(account="", agency="")

        captions = re.findall(r"<figcaption.*?</figcaption>", charts(), re.DOTALL)

        assert [plain(caption) for caption in captions] == [
            "No agency, no account 0% (0 of 1) succeeded",
            "mountain, account mountain-account 0% (0 of 1) succeeded",
            "harbor, account harbor-account 100% (3 of 3) succeeded",
        ]

    def test_of_many_agencies_those_with_the_most_faults_have_one(self, charts: Callable[..., str]) -> None:
        for number in range(1, 15):
            count(number, agency=f"agency-{number}")

        page = charts()

        assert page.count("<figure") == 12
        assert "agency-14, account" in page
        assert "agency-2, account" not in page
        assert "to see one of the 2 others." in plain(page)

    def test_an_outage_of_nine_days_ago_is_there_without_asking(self, charts: Callable[..., str]) -> None:
        count(14, ago=timedelta(days=9))

        assert 'aria-label="Nov 12: System error 14"' in charts()
        assert "Processor error" in plain(charts())

    def test_the_same_numbers_stand_in_a_table(self, charts: Callable[..., str]) -> None:
        count(5, outcome="success")
        count(2)
        count(1, ago=timedelta(hours=3), outcome="retry", code="card_refused")

        def table(period: str) -> str:
            [found] = re.findall(r"<details>.*?</details>", charts(period=period), re.DOTALL)
            return plain(found)

        assert table("day") == (
            "The numbers as a table From Success Card refused System error Success rate "
            "Nov. 21, 2026, 11 a.m. 0 1 0 - Nov. 21, 2026, 2 p.m. 5 0 2 71%"
        )
        assert table("month") == (
            "The numbers as a table Day Success Card refused System error Success rate Nov. 21, 2026 5 1 2 71%"
        )

    @pytest.mark.parametrize(
        ("period", "bar", "ticks", "axes"),
        [
            (
                "hour",
                "14:00: Success 5, System error 2",
                ["13:10", "13:25", "13:40", "13:50", "14:05"],
                "Enrollments per 5 minutes. Times are in America/Los_Angeles.",
            ),
            (
                "day",
                "14:00: Success 5, System error 2",
                ["15:00", "21:00", "03:00", "08:00", "14:00"],
                "Enrollments per hour. Times are in America/Los_Angeles.",
            ),
            (
                "month",
                "Nov 21: Success 5, System error 2",
                ["Oct 23", "Oct 30", "Nov 6", "Nov 14", "Nov 21"],
                "Enrollments per day. Days are in America/Los_Angeles.",
            ),
            (
                "all",
                "Nov 20: Success 5, System error 2",
                ["Aug 24", "Sep 15", "Oct 7", "Oct 29", "Nov 20"],
                "Enrollments per 2 days. Days are in America/Los_Angeles.",
            ),
        ],
    )
    def test_a_bar_tells_its_numbers_and_the_axes_have_names(
        self, charts: Callable[..., str], period: str, bar: str, ticks: list[str], axes: str
    ) -> None:
        count(5, outcome="success")
        count(2)

        [figure] = re.findall(r"<figure.*?</figure>", charts(period=period), re.DOTALL)

        assert re.findall("<title>(.*?)</title>", figure) == [bar]
        assert re.findall('class="tick[^>]*>(.*?)<', figure) == ticks
        assert axes in plain(figure)

    @pytest.mark.parametrize(
        ("highest", "values"),
        [
            (1, ["0", "1"]),
            (3, ["0", "1", "2", "3"]),
            (7, ["0", "2", "4", "6", "8"]),
            (40, ["0", "10", "20", "30", "40"]),
            (1_101, ["0", "500", "1000", "1500"]),
        ],
    )
    def test_the_axis_has_round_values(self, charts: Callable[..., str], highest: int, values: list[str]) -> None:
        count(highest)

        assert re.findall('class="scale[^>]*>(.*?)<', charts()) == values

    def test_a_bar_leads_to_its_incidents(self, charts: Callable[..., str], operator: Client) -> None:
        count(1)
        incident()
        incident(agency="harbor", reference="99C-FGH-JMP")
        Incident.objects.create(**facts(reference="4FW-GXR-2CC", at=NOW - timedelta(hours=2)))
        Incident.objects.create(**facts(reference="4FW-GXR-3CC", at=NOW - timedelta(days=2)))

        def behind(period: str) -> set[str]:
            link = re.search(r'<a href="([^"]+)" aria-label="[^"]+: System error 1"', charts(period=period))
            assert link
            page = text(operator.get(unescape(link[1])))
            return set(re.findall("H7P-2QX-9MR|99C-FGH-JMP|4FW-GXR-.CC", page))

        assert behind("day") == {"H7P-2QX-9MR"}
        assert behind("month") == {"H7P-2QX-9MR", "4FW-GXR-2CC"}

    def test_a_bar_of_the_past_leads_to_no_later_incidents(self, charts: Callable[..., str], operator: Client) -> None:
        count(1, ago=timedelta(days=2))
        incident()
        Incident.objects.create(**facts(reference="4FW-GXR-3CC", at=NOW - timedelta(days=2)))
        link = re.search(r'<a href="([^"]+)" aria-label="Nov 19: System error 1"', charts())
        assert link

        page = text(operator.get(unescape(link[1])))

        assert "4FW-GXR-3CC" in page
        assert "H7P-2QX-9MR" not in page

    def test_one_of_successes_alone_or_of_a_switch_leads_nowhere(self, charts: Callable[..., str]) -> None:
        count(1, outcome="success")
        count(1, ago=timedelta(days=2), code="switched_off")

        page = charts()

        assert re.findall("<g><title>(.*?)</title>", page) == ["Nov 19: Switched off 1", "Nov 21: Success 1"]
        assert 'aria-label="Nov' not in page

    def test_a_day_is_one_of_the_sites_time_zone(self, charts: Callable[..., str]) -> None:
        # 00:05 in Los Angeles, and 23:55 the day before.
        count(1, ago=timedelta(hours=14))
        count(2, ago=timedelta(hours=14, minutes=10))

        [table] = re.findall(r"<details>.*?</details>", charts(), re.DOTALL)
        assert "Nov. 20, 2026 2 0% Nov. 21, 2026 1 0%" in plain(table)

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Honolulu"])
    def test_it_is_so_wherever_the_operator_is(self, charts: Callable[..., str], zone: str) -> None:
        count(5, outcome="success")
        count(2)
        [here] = re.findall(r"<figure.*?</figure>", charts(), re.DOTALL)

        with override(zone):
            page = charts()

        [there] = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
        assert there == here
        assert f"in {zone}, the time zone of this page. Days begin at midnight in America/Los_Angeles." in plain(page)

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_they_are_plain_svg_in_every_language(self, operator: Client, settings: Any, language: str) -> None:
        settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
        settings.USE_THOUSAND_SEPARATOR = True
        count(12_345)
        page = operator.get(reverse(OVERVIEW), headers={"accept-language": language}).content.decode()

        [plot] = re.findall(r'<div class="plot">.*?</div>', page, re.DOTALL)

        numbers = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height)="([^"]*)"', plot)
        assert numbers
        assert all(re.fullmatch(r"\d+(\.\d\d)?%?", number) for number in numbers)
        assert "15000" in plot

    def test_nothing_on_the_page_needs_an_inline_style_or_a_script(self, charts: Callable[..., str]) -> None:
        count()

        ours = charts().partition('id="content-main"')[2].partition("</main>")[0]

        assert " style=" not in ours
        assert "<script" not in ours
        assert not re.search(r" on\w+=", ours)

    def test_without_an_enrollment_there_is_none(self, charts: Callable[..., str]) -> None:
        assert plain(charts()).count("No enrollment has ended in this period.") == 2


@pytest.mark.usefixtures("five_past")
class TestTheDownload:
    @pytest.fixture
    def lines(self, operator: Client) -> Callable[..., list[str]]:
        def get(**query: str) -> list[str]:
            response = operator.get(reverse(OVERVIEW), {"as": "csv", **query})
            assert response["Content-Type"] == "text/csv; charset=utf-8"
            return response.content.decode("utf-8-sig").splitlines()

        return get

    def test_has_the_numbers_of_all_charts(self, lines: Callable[..., list[str]]) -> None:
        count(3, outcome="success")
        count(1)
        count(2, ago=timedelta(days=9), agency="harbor", outcome="retry", code="card_refused")

        assert lines() == [
            "account,agency,from,success,retry,unfinished,too_early,unknown,system_error,server_error,switched_off,"
            "success rate in percent",
            "mountain-account,mountain,2026-11-21,3,0,0,0,0,1,0,0,75",
            "mountain-account,harbor,2026-11-12,0,2,0,0,0,0,0,0,",
        ]

    def test_has_moments_with_their_offset(self, lines: Callable[..., list[str]]) -> None:
        count()

        assert lines(period="day")[1].startswith("mountain-account,mountain,2026-11-21T14:00:00-08:00,0,")

    def test_is_narrowed_as_the_page_is(self, lines: Callable[..., list[str]]) -> None:
        count(agency="mountain")
        count(agency="harbor")

        assert [line.split(",")[1] for line in lines(agency="harbor")[1:]] == ["harbor"]

    def test_is_not_for_staff_without_the_permission(self) -> None:
        assert sign_in("view_user").get(reverse(OVERVIEW), {"as": "csv"}).status_code == 403


class TestTheCircuits:
    @pytest.fixture
    def shown(self, operator: Client) -> Callable[[], str]:
        def get() -> str:
            return text(operator.get(reverse(OVERVIEW)))

        return get

    def circuit(self, **changes: Any) -> Circuit:
        return Circuit("littlepay", **{"failures": 1, "window": 30, "open_for": 10, "cache": "default", **changes})

    def fail(self, **changes: Any) -> None:
        with pytest.raises(ConnectionFailed), self.circuit(**changes).admit(1):
            raise ConnectionFailed

    def test_a_closed_one_says_that_calls_go_on(self, shown: Callable[[], str]) -> None:
        assert "littlepay (littlepay): circuit closed, calls go on." in shown()

    def test_an_open_one_is_explained(self, shown: Callable[[], str]) -> None:
        self.fail()

        page = shown()

        assert "circuit open since" in page
        assert "riders get the system-error page at once" in page
        assert "closes by itself" in page

    def test_a_half_open_one_says_that_the_next_rider_tries(self, shown: Callable[[], str]) -> None:
        self.fail(open_for=0.001)

        assert "circuit half open" in shown()

    def test_one_whose_cache_is_down_says_so(
        self, shown: Callable[[], str], settings: Any, site: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(BrittleCache, "is_down", True)
        # Not the alias of the other tests, because the app leaves a failed cache alone for a while.
        settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.transport.brittle_cache.BrittleCache"}}
        site(CACHE="broken")

        assert "circuit unknown: the cache does not answer" in shown()


def test_an_incident_shows_the_others_of_its_region(operator: Client) -> None:
    one, other = (incident(reference="H7P-2QX-9MR", agency=agency) for agency in ("mountain", "coast"))
    shown = operator.get(reverse("admin:enrollment_incidents_incident_change", args=[one.pk])).content.decode()
    assert reverse("admin:enrollment_incidents_incident_change", args=[other.pk]) in shown
    assert f"coast: {other.code}" in shown
