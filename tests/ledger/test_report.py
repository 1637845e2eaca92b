"""What an agency reports to its funder: sums, from a terminal and as CSV."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from enrollment_errors.ledger.models import Entry
from enrollment_errors.ledger.sums import Period, cells, sums, total
from enrollment_errors.spreadsheet import csv_lines, neutralized

from .conftest import enrolled


def at(month: int, day: int, hour: int = 20) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def year(db: None) -> None:
    enrolled(2, at=at(10, 3))
    enrolled(at=at(10, 3), method="in_person")
    enrolled(at=at(10, 9), flow="veteran", code="renewed")
    enrolled(at=at(11, 1, 5), agency="harbor")  # still October in Los Angeles
    enrolled(3, at=at(11, 21))


class TestSums:
    def test_are_by_month_agency_and_flow_the_newest_first(self) -> None:
        assert list(map(cells, sums(Period.MONTH))) == [
            ("2026-11", "mountain", "senior", 3, 0, 0),
            ("2026-10", "harbor", "senior", 1, 0, 0),
            ("2026-10", "mountain", "senior", 3, 1, 0),
            ("2026-10", "mountain", "veteran", 1, 0, 1),
        ]

    def test_are_by_day_too(self) -> None:
        assert [one.name for one in sums(Period.DAY, agency="mountain")] == ["2026-11-21", "2026-10-09", "2026-10-03"]

    def test_are_of_the_days_that_were_asked_for(self) -> None:
        found = sums(Period.DAY, since=date(2026, 10, 4), until=date(2026, 10, 31), flow="senior")
        assert list(map(cells, found)) == [("2026-10-31", "harbor", "senior", 1, 0, 0)]

    def test_come_to_a_total(self) -> None:
        assert total(sums(Period.MONTH)) == (8, 1, 1)


class TestTheCommand:
    def says(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
        call_command("enrollment_report", *arguments)
        return capsys.readouterr().out

    def test_prints_a_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.says(capsys) == (
            "month    agency    flow     enrollments  in person  renewals\n"
            "2026-11  mountain  senior             3          0         0\n"
            "2026-10  harbor    senior             1          0         0\n"
            "2026-10  mountain  senior             3          1         0\n"
            "2026-10  mountain  veteran            1          0         1\n"
            "total                                 8          1         1\n"
        )

    def test_prints_csv(self, capsys: pytest.CaptureFixture[str]) -> None:
        asked = ("--csv", "--by", "day", "--from", "2026-11-01", "--to", "2026-11-30", "--agency", "mountain")
        assert self.says(capsys, *asked) == (
            "day,agency,flow,enrollments,in person,renewals\r\n2026-11-21,mountain,senior,3,0,0\r\n"
        )

    def test_says_where_there_is_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.says(capsys, "--to", "2025-01-01") == "The ledger has no enrollments that match.\n"
        Entry.objects.all().delete()
        assert self.says(capsys) == "The ledger has no enrollments.\n"

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--from", "2026-11-31"), "argument --from: invalid date value: '2026-11-31'"),
            (("--from", "2026-11-02", "--to", "2026-11-01"), "--from must not be later than --to"),
        ],
    )
    def test_says_what_is_wrong_with_what_was_asked(self, arguments: tuple[str, ...], words: str) -> None:
        with pytest.raises(CommandError, match=words):
            call_command("enrollment_report", *arguments)


class TestASpreadsheet:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
    def test_runs_no_cell_of_ours(self, text: str) -> None:
        assert neutralized(text) == f"'{text}"

    @pytest.mark.parametrize("value", ["mountain", "H7P-2QX-9MR", "2026-11-21T14:05:30-08:00", "", None, 3])
    def test_has_everything_else_as_it_is(self, value: Any) -> None:
        assert neutralized(value) == value

    def test_knows_that_a_file_is_utf_8(self) -> None:
        assert list(csv_lines(("flow",), [("émile,",)])) == ["\ufeffflow\r\n", '"émile,"\r\n']
