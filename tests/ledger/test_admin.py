"""What operators find in the ledger, what they download as CSV, and who may view it."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from enrollment_errors.incidents.models import Incident
from enrollment_errors.ledger.history import histories
from tests.incidents.conftest import facts as failure

from .conftest import AT, enrolled, sign_in, unlinked

pytestmark = pytest.mark.django_db

LIST = "admin:enrollment_ledger_entry_changelist"
SUMS = "admin:enrollment_ledger_entry_sums"
EXPORT = "admin:enrollment_ledger_entry_export"
REFERENCE = "admin:enrollment_ledger_entry_reference"


@pytest.fixture
def operator() -> Client:
    return sign_in("view_entry", "view_unlink", "view_incident")


def text(response: Any) -> str:
    """The text that a person reads."""
    assert response.status_code == 200
    words = " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())
    return unescape(re.sub(r" ([.,:;])", r"\1", words))


def rows(response: Any) -> list[list[str]]:
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines()))


class TestWhoMayLook:
    def test_an_operator_with_the_permission_sees_the_ledger_on_the_admins_first_page(self, operator: Client) -> None:
        assert reverse(LIST) in operator.get(reverse("admin:index")).content.decode()

    @pytest.mark.parametrize("page", [LIST, SUMS, EXPORT, REFERENCE])
    def test_staff_without_the_permission_do_not(self, page: str) -> None:
        enrolled(reference="H7P-2QX-9MR")
        staff = sign_in("view_user", "view_incident", "view_unlink")

        assert staff.get(reverse(page), {"q": "H7P-2QX-9MR"}).status_code == 403

    @pytest.mark.parametrize("page", [LIST, SUMS, EXPORT, REFERENCE])
    def test_a_visitor_is_asked_to_sign_in(self, page: str, client: Client) -> None:
        assert client.get(reverse(page)).status_code == 302

    @pytest.mark.parametrize("model", ["entry", "unlink"])
    def test_nobody_not_even_a_superuser_changes_anything(self, model: str, admin_client: Client) -> None:
        enrolled()
        row = unlinked()

        for name in ("change", "delete"):
            address = reverse(f"admin:enrollment_ledger_{model}_{name}", args=[row.pk])
            assert admin_client.post(address, {"code": "x"}).status_code == 403
        assert admin_client.get(reverse("admin:enrollment_ledger_entry_add")).status_code == 403


class TestTheList:
    def test_says_where_nothing_is_written_into_it(self, operator: Client) -> None:
        assert "add enrollment_errors.ledger.sink.LedgerSink to the setting SINKS" in text(operator.get(reverse(LIST)))

    def test_is_silent_where_it_is(self, operator: Client, keeping: None) -> None:
        assert "SINKS" not in text(operator.get(reverse(LIST)))

    def test_shows_an_entry_with_what_its_code_means(self, operator: Client) -> None:
        enrolled()
        page = operator.get(reverse(LIST)).content.decode()
        link = re.search(r'href="(/admin/enrollment_ledger/entry/\d+/change/)"', page)
        assert link

        entry = text(operator.get(link[1]))

        assert "The card was linked to the concession group." in entry
        assert "All that is known of this reference" in entry
        assert "Remove the card" not in entry

    def test_leads_those_who_may_from_an_entry_to_removing_the_card(self) -> None:
        enrolled(reference="H7P-2QX-9MR")
        operator = sign_in("view_entry", "unlink_card")
        [found] = re.findall(r"/entry/\d+/change/", operator.get(reverse(LIST)).content.decode())

        page = operator.get(f"/admin/enrollment_ledger{found}").content.decode()

        assert (
            'href="/admin/enrollment_ledger/unlink/add/?reference=H7P-2QX-9MR&amp;account=littlepay'
            '&amp;group_id=group-seniors"' in page
        )

    def test_search_leads_to_what_is_known_of_the_reference(self, operator: Client) -> None:
        response = operator.get(reverse(LIST), {"q": " h7p 2qx 9mr "})
        assert response["Location"] == f"{reverse(REFERENCE)}?q=h7p+2qx+9mr"


class TestTheExport:
    def test_has_what_the_list_has(self, operator: Client) -> None:
        enrolled(reference="H7P-2QX-9MR", expires_at=AT + timedelta(days=365))
        enrolled(reference="4FW-GXR-2CC", at=AT - timedelta(days=1))

        head, newest, oldest = rows(operator.get(reverse(EXPORT)))

        assert dict(zip(head, newest, strict=True)) == {
            "reference": "H7P-2QX-9MR",
            "at": "2026-11-21T14:05:30-08:00",
            "day": "2026-11-21",
            "agency": "mountain",
            "flow": "senior",
            "method": "self_service",
            "verified_by": "",
            "account": "littlepay",
            "group_id": "group-seniors",
            "code": "linked",
            "expires_at": "2027-11-21T14:05:30-08:00",
        }
        assert (oldest[0], oldest[-1]) == ("4FW-GXR-2CC", "")

    def test_is_filtered_as_the_list_is(self, operator: Client) -> None:
        enrolled(agency="harbor")
        enrolled(2)
        page = operator.get(reverse(LIST), {"agency": "mountain", "day__month": "11"}).content.decode()
        link = re.search(r'href="([^"]+)">Export', page)
        assert link

        assert len(rows(operator.get(unescape(link[1])))) == 3

    def test_of_a_filter_that_cannot_be_read_leads_back_to_the_list(self, operator: Client) -> None:
        assert operator.get(reverse(EXPORT), {"agency__regret": "1"})["Location"] == reverse(LIST)

    def test_is_no_formula(self, operator: Client) -> None:
        enrolled(flow='=HYPERLINK("https://evil.example")')

        assert rows(operator.get(reverse(EXPORT)))[1][4] == '\'=HYPERLINK("https://evil.example")'


class TestTheSums:
    @pytest.fixture(autouse=True)
    def some(self) -> None:
        enrolled(2)
        enrolled(at=AT - timedelta(days=60), agency="harbor", method="in_person")

    def test_are_by_month_and_come_to_a_total(self, operator: Client) -> None:
        page = text(operator.get(reverse(SUMS)))

        assert "2026-11 mountain senior 2 0 0" in page
        assert "2026-09 harbor senior 1 1 0" in page
        assert "In total 3 1 0" in page

    @time_machine.travel(AT + timedelta(days=2), tick=False)
    def test_by_day_are_those_of_the_last_month_unless_asked_for_more(self, operator: Client) -> None:
        page = text(operator.get(reverse(SUMS), {"by": "day"}))

        assert "2026-11-21 mountain senior 2 0 0" in page
        assert "harbor senior 1" not in page
        assert "Since Oct. 24, 2026. Choose a first day to see more." in page
        assert "2026-09-22 harbor" in text(operator.get(reverse(SUMS), {"by": "day", "since": "2026-01-01"}))

    def test_are_narrowed_by_agency_flow_and_day(self, operator: Client) -> None:
        page = text(operator.get(reverse(SUMS), {"agency": "harbor", "flow": "senior", "until": "2026-10-01"}))
        assert "In total 1 1 0" in page

    def test_say_where_there_are_none(self, operator: Client) -> None:
        assert "Nobody enrolled in this time." in text(operator.get(reverse(SUMS), {"until": "2020-01-01"}))

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({"since": "2026-11-02", "until": "2026-11-01"}, "This is before the first day."),
            ({"since": "yesterday"}, "Enter a valid date."),
            ({"by": "week"}, "week is not one of the available choices."),
        ],
    )
    def test_say_what_cannot_be_read(self, operator: Client, asked: dict[str, str], words: str) -> None:
        page = text(operator.get(reverse(SUMS), {**asked, "as": "csv"}))

        assert words in page
        assert "In total" not in page

    def test_are_there_as_csv(self, operator: Client) -> None:
        assert rows(operator.get(reverse(SUMS), {"as": "csv", "agency": "mountain"})) == [
            ["month", "agency", "flow", "enrollments", "in person", "renewals"],
            ["2026-11", "mountain", "senior", "2", "0", "0"],
        ]


class TestAReference:
    def of(self, client: Client, typed: str = "H7P-2QX-9MR") -> str:
        return text(client.get(reverse(REFERENCE), {"q": typed}))

    @time_machine.travel(AT, tick=False)
    def test_has_all_that_happened_under_it_in_its_order(self, operator: Client) -> None:
        Incident.objects.create(**failure(at=AT - timedelta(minutes=9)))
        enrolled(reference="H7P-2QX-9MR", expires_at=AT + timedelta(days=300))
        unlinked(at=AT + timedelta(days=3))
        enrolled(reference="4FW-GXR-2CC", agency="harbor")

        page = self.of(operator, "h7p 2qx 9mr")

        steps = [
            "The processor answered with a status of 500 or above.",
            "processor_error, status 503",
            "Enrolled. The card was linked to the concession group.",
            "Removal of the card from the group: removed.",
            "The rider asked for it.",
        ]
        assert sorted(map(page.index, steps)) == list(map(page.index, steps))
        assert "harbor" not in page

    @pytest.mark.parametrize(
        ("expires_in", "state"),
        [
            (None, "Enrolled, without an expiry."),
            (5, "Enrolled: until Nov. 26"),
            (-1, "Not enrolled any more: on Nov. 20, 2026"),
        ],
    )
    @time_machine.travel(AT, tick=False)
    def test_says_whether_the_rider_is_enrolled(self, operator: Client, expires_in: int | None, state: str) -> None:
        expires_at = None if expires_in is None else AT + timedelta(days=expires_in)
        enrolled(reference="H7P-2QX-9MR", expires_at=expires_at)
        unlinked(at=AT + timedelta(hours=1), outcome="failed", code="permission_refused")

        page = self.of(operator)

        assert state in page
        assert "permission_refused" in page

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [
            ("removed", "Not enrolled: on Nov. 21, 2026, 2:05 p.m. the card was taken out of the group."),
            ("unknown", "Not known: the card may have been taken out of the group."),
        ],
    )
    def test_says_that_the_card_was_taken_out(self, operator: Client, outcome: str, state: str) -> None:
        enrolled(reference="H7P-2QX-9MR", at=AT - timedelta(days=1))
        unlinked(outcome=outcome)

        assert state in self.of(operator)

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [
            ("unknown", "Not known: the answer to the link was lost."),
            ("system_error", "Not enrolled under this reference."),
        ],
    )
    def test_says_what_a_failure_came_to(self, operator: Client, outcome: str, state: str) -> None:
        Incident.objects.create(**failure(outcome=outcome, upstream_status=None, agency=""))
        assert state in self.of(operator)

    def test_that_is_not_there_says_where_else_to_look(self, operator: Client) -> None:
        page = self.of(operator)
        assert "Nothing is kept here under the reference “H7P-2QX-9MR”." in page
        assert "enrollment.reference" in page

    def test_that_is_none_is_told_what_one_looks_like(self, operator: Client) -> None:
        assert "“Lopez” is no reference" in self.of(operator, "Lopez")

    def test_is_asked_for_where_there_is_none(self, operator: Client) -> None:
        assert "Nothing is kept" not in self.of(operator, "")

    def test_shows_nobody_what_they_may_not_see(self) -> None:
        Incident.objects.create(**failure())
        enrolled(reference="H7P-2QX-9MR")
        unlinked()

        page = self.of(sign_in("view_entry"))

        assert "Enrolled." in page
        assert "status from 500" not in page
        assert "Removal" not in page
        assert "Remove the card" not in page

    def test_leads_those_who_may_to_removing_the_card(self) -> None:
        enrolled(reference="H7P-2QX-9MR")
        assert "Remove the card from the group" in self.of(sign_in("view_entry", "unlink_card"))

    def test_is_there_without_the_incidents(self, admin_user: Any, settings: Any) -> None:
        Incident.objects.create(**failure())
        enrolled(reference="H7P-2QX-9MR")
        settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.incidents"]

        [history] = histories("H7P-2QX-9MR", admin_user)

        assert len(history.steps) == 1


def test_the_sums_have_the_day_of_the_site_not_of_utc(operator: Client) -> None:
    enrolled(at=datetime(2026, 12, 1, 5, tzinfo=timezone.utc))

    assert "2026-11 mountain senior 1 0 0" in text(operator.get(reverse(SUMS)))
