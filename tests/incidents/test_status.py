"""The status for machines: who may read it, what it says, and that it answers without the database, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import path

from enrollment_errors.exceptions import ConnectionFailed
from enrollment_errors.incidents.models import MinuteCount
from enrollment_errors.incidents.status import status
from enrollment_errors.transport.circuit import Circuit
from tests.incidents.conftest import ended

urlpatterns = [path("status/", status)]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

NOW = datetime(2026, 11, 21, 22, 5, tzinfo=timezone.utc)
TOKEN = "tests-status-token-5d1c"


@pytest.fixture(autouse=True)
def five_past() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def read(site: Any, client: Client) -> Callable[[], dict[str, Any]]:
    site(STATUS_TOKEN=TOKEN)

    def get() -> dict[str, Any]:
        response = client.get("/status/", headers={"authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        answer: dict[str, Any] = response.json()
        return answer

    return get


def count(number: int, ago: timedelta, **changes: Any) -> None:
    ended(number, at=NOW - ago, **{"account": "littlepay", **changes})


class TestWhoMayRead:
    @pytest.mark.parametrize(
        "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer \u00e9"]
    )
    def test_without_the_token_it_is_not_there(self, site: Any, client: Client, authorization: str | None) -> None:
        site(STATUS_TOKEN=TOKEN)
        headers = {} if authorization is None else {"authorization": authorization}

        assert client.get("/status/", headers=headers).status_code == 404

    @pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer None"])
    def test_without_the_setting_no_token_opens_it(self, client: Client, authorization: str) -> None:
        assert client.get("/status/", headers={"authorization": authorization}).status_code == 404

    def test_whoever_may_see_incidents_may_read_it(self, client: Client) -> None:
        user = User.objects.create_user("operator")
        client.force_login(user)
        assert client.get("/status/").status_code == 404

        user.user_permissions.add(Permission.objects.get(codename="view_incident"))

        assert client.get("/status/").status_code == 200

    def test_it_is_only_read(self, client: Client) -> None:
        assert client.post("/status/").status_code == 405


class TestWhatItSays:
    def test_of_a_site_where_nothing_has_happened(self, read: Callable[[], dict[str, Any]]) -> None:
        assert read() == {
            "accounts": {
                "littlepay": {
                    "processor": "littlepay",
                    "availability": {"is_available": True, "why": "", "since": None, "until": None},
                    "circuit": {"phase": "closed", "since": None, "until": None},
                    "outcomes": {"last_5_minutes": {}, "last_60_minutes": {}},
                }
            },
            "notices": [
                {
                    "account": "",
                    "why": "watch_stopped",
                    "text": "The watch does not look at littlepay: nobody knows whether riders can enroll there.",
                    "since": None,
                    "is_failure": False,
                }
            ],
            "faults": {"oldest": None, "newest": None},
            "database": "ok",
        }

    def test_counts_the_outcomes_of_the_last_5_and_60_minutes(self, read: Callable[[], dict[str, Any]]) -> None:
        count(3, timedelta(minutes=4), outcome="success")
        count(2, timedelta(minutes=4))
        count(5, timedelta(minutes=6))
        count(7, timedelta(minutes=61))

        assert read()["accounts"]["littlepay"]["outcomes"] == {
            "last_5_minutes": {"success": 3, "system_error": 2},
            "last_60_minutes": {"success": 3, "system_error": 7},
        }

    def test_names_the_oldest_and_the_newest_fault(self, read: Callable[[], dict[str, Any]]) -> None:
        count(1, timedelta(days=3))
        count(1, timedelta(minutes=4))
        count(1, timedelta(days=9), outcome="success")
        count(1, timedelta(minutes=1), outcome="retry")

        assert read()["faults"] == {"oldest": "2026-11-18T14:05:00-08:00", "newest": "2026-11-21T14:01:00-08:00"}

    def test_tells_of_an_open_circuit_until_when(self, read: Callable[[], dict[str, Any]]) -> None:
        circuit = Circuit("littlepay", failures=1, window=30, open_for=10, cache="default")
        with pytest.raises(ConnectionFailed), circuit.admit(1):
            raise ConnectionFailed

        assert read()["accounts"]["littlepay"]["circuit"] == {
            "phase": "open",
            "since": "2026-11-21T14:05:00-08:00",
            "until": "2026-11-21T14:05:10-08:00",
        }


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_still_tells_of_the_circuits(read: Callable[[], dict[str, Any]]) -> None:
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename(MinuteCount._meta.db_table, "gone")
    try:
        answer = read()
    finally:
        rename("gone", MinuteCount._meta.db_table)

    assert answer["database"] == "unreachable"
    assert answer["faults"] is None
    assert answer["accounts"]["littlepay"]["outcomes"] is None
    assert answer["accounts"]["littlepay"]["circuit"]["phase"] == "closed"
