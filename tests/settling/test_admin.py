"""An operator views a link whose answer was lost, and asks the processor about it at once."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client

from enrollment_errors.settling.models import SentLink, State
from tests.ledger.conftest import sign_in

from .conftest import NOT_MADE, QUIET, SILENT, SOON, counted

LIST = "/admin/enrollment_settling/sentlink/"


@pytest.fixture
def operator(db: None) -> Client:
    return sign_in("view_sentlink")


def ask(operator: Client, after: Any = SOON) -> str:
    """What the operator reads after asking that much later."""
    [row] = SentLink.objects.all()
    with time_machine.travel(datetime.now(timezone.utc) + after, tick=True):
        # Not so late that the session, which began in real time, has ended.
        response = operator.post(f"{LIST}{row.pk}/ask/")
    assert response["Location"] == f"{LIST}{row.pk}/change/"
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_a_link_is_found_by_its_reference_and_can_be_asked_about(hangs_up: Any, operator: Client) -> None:
    reference = hangs_up()

    page = operator.get(LIST, {"q": reference.lower().replace("-", " ")}).content.decode()
    [row] = SentLink.objects.all()
    assert f"{LIST}{row.pk}/change/" in page
    assert "Ask the processor now" in operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert row.sealed not in operator.get(f"{LIST}{row.pk}/change/").content.decode()


def test_one_that_was_made_is_told_and_counted_once(hangs_up: Any, operator: Client, incidents: Any) -> None:
    hangs_up()

    assert "the rider is enrolled" in ask(operator)
    assert "Nothing was asked" in ask(operator)

    incidents.flush()
    assert counted()["linked"] == 1
    [row] = SentLink.objects.all()
    assert row.state == State.LINKED
    assert "Ask the processor now" not in operator.get(f"{LIST}{row.pk}/change/").content.decode()


def test_one_that_was_not_made_is_over_after_the_quiet_time(hangs_up: Any, operator: Client) -> None:
    hangs_up(NOT_MADE)

    assert "not known yet" in ask(operator)
    assert "nothing is at work any more" in ask(operator, QUIET)


def test_one_that_cannot_be_asked_about_waits(hangs_up: Any, operator: Client, sandbox: Any) -> None:
    hangs_up()
    sandbox.faults.set("groups", SILENT)

    assert "not known yet" in ask(operator)


def test_one_whose_own_request_may_be_under_way_is_left_alone(hangs_up: Any, operator: Client, sandbox: Any) -> None:
    hangs_up()
    sandbox.calls.clear()

    assert "Nothing was asked" in ask(operator, after=SOON * 0)
    assert not sandbox.calls


def test_staff_without_the_permission_may_not_ask(hangs_up: Any, site: Any) -> None:
    hangs_up()
    [row] = SentLink.objects.all()

    assert sign_in("view_entry").post(f"{LIST}{row.pk}/ask/").status_code == 403


def test_what_is_not_there_is_not_asked_about(operator: Client) -> None:
    assert operator.post(f"{LIST}7/ask/").status_code == 404
    assert operator.get(f"{LIST}7/ask/").status_code == 405


def test_what_is_known_of_a_reference_has_the_link_that_was_sent(hangs_up: Any, incidents: Any, db: None) -> None:
    reference = hangs_up()
    incidents.flush()
    operator = sign_in("view_sentlink", "view_entry", "view_incident")

    def known() -> str:
        return str(operator.get("/admin/enrollment_ledger/entry/reference/", {"q": reference}).content.decode())

    assert "Not known yet: the answer to the link was not heard." in known()
    SentLink.objects.update(state=State.NOT_LINKED, next_at=None, ended_at=datetime.now(timezone.utc))
    assert "Not enrolled under this reference." in known()
