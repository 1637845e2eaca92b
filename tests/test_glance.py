"""What one rider's request asks the shared cache, and how old the answer may be."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.timezone import now

from enrollment_errors.reporting.causes import standing
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.watch.models import Switch
from tests.rider import CARD_TOKEN, Rider

pytestmark = pytest.mark.django_db


@pytest.fixture
def rider(site: Any) -> Rider:
    """A rider of a site that others have used, so that its switches, account and access token are known."""
    Rider().becomes_eligible().asks_for_token()
    rider = Rider().becomes_eligible()
    rider.opens_the_page()
    return rider


def test_a_token_request_reads_once(rider: Rider, operations: list[str]) -> None:
    del operations[:]
    assert rider.posts_as_the_script("/enrollment/token/", {}).status_code == 200
    assert operations == ["get_many"]


def test_an_enrollment_reads_once_claims_the_link_and_tells_its_success(rider: Rider, operations: list[str]) -> None:
    del operations[:]
    response = rider.client.post(rider.base, {**rider.hidden, "card_token": CARD_TOKEN})
    assert "/success/" in response["Location"]
    assert operations == ["get_many", "add", "add"]


def test_a_switch_that_an_operator_has_just_set_counts_for_the_next_request(rider: Rider) -> None:
    Switch.objects.create(account="littlepay", position="off", begins=now())
    assert rider.sends_the_form().page == "system_error"


def test_a_success_ends_what_had_gone_wrong_before(rider: Rider, sandbox: SandboxServer) -> None:
    sandbox.faults.set("link", Fault(kind="status", status=503))
    Rider().becomes_eligible().enrolls()
    sandbox.faults.clear()
    [before] = standing("littlepay")
    rider.sends_the_form()
    [after] = standing("littlepay")
    assert (before.in_a_row, after.in_a_row) == (1, 0)
