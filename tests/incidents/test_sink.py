"""From a rider's request to the row that an operator finds, over real HTTP and in a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from enrollment_errors.incidents.buffer import IncidentSender
from enrollment_errors.incidents.models import DayCount, Ending, Incident, MinuteCount
from enrollment_errors.incidents.sink import IncidentSink
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.reporting.reports import new_enrollment, new_report
from tests.rider import CARD_TOKEN, Rider, Telemetry


def test_a_failure_is_a_row_with_everything_but_the_rider(
    rider: Rider, sandbox: SandboxServer, incidents: IncidentSender, site: Any
) -> None:
    site(RELEASE="2026.11.1")
    sandbox.faults.set("link", Fault(kind="status", status=503))

    end = rider.enrolls()
    incidents.flush()

    incident = Incident.objects.get()
    assert timezone.now() - incident.at < timedelta(seconds=30)
    assert 0 < incident.seconds < 5
    kept = {name: getattr(incident, name) for name in vars(incident) if name not in ("_state", "id", "at", "seconds")}
    assert kept == {
        "reference": end.reference,
        "outcome": "system_error",
        "processor": "littlepay",
        "account": "littlepay",
        "agency": "mountain",
        "flow": "senior",
        "method": "self_service",
        "stage": "link",
        "code": "processor_error",
        "upstream_status": 503,
        "route": "POST api/v1/concession_groups/{group_id}/fundingsources",
        "exception": "StatusError",
        "side": "backend",
        "verified_by": "",
        "release": "2026.11.1",
        "sentry_event_id": "",
    }


def test_a_success_that_operators_have_to_look_at_is_a_row_too(
    rider: Rider, sandbox: SandboxServer, incidents: IncidentSender
) -> None:
    words = "Customer already belongs to a concession group."
    sandbox.faults.set("link", Fault(kind="status", status=409, body=words))

    assert rider.enrolls().page == "success"
    incidents.flush()

    incident = Incident.objects.get()
    assert (incident.outcome, incident.code) == ("success", "already_linked_elsewhere")


def test_an_incident_names_its_sentry_event(
    rider: Rider, sandbox: SandboxServer, incidents: IncidentSender, telemetry: Telemetry
) -> None:
    sandbox.faults.set("lookup", Fault(kind="reset"))

    rider.enrolls()
    incidents.flush()

    telemetry.settle(amplitude=1)
    assert [event["event_id"] for event in telemetry.sentry] == [Incident.objects.get().sentry_event_id]


def test_an_expected_refusal_is_a_row_too_because_the_rider_has_its_reference(
    rider: Rider, incidents: IncidentSender
) -> None:
    rider.tells("refused")
    incidents.flush()

    incident = Incident.objects.get()
    assert (incident.code, incident.side, incident.sentry_event_id) == ("card_refused", "frontend", "")


def test_a_success_is_counted_and_no_row(rider: Rider, incidents: IncidentSender) -> None:
    assert rider.enrolls().page == "success"
    incidents.flush()

    assert not Incident.objects.exists()
    ending = Ending.objects.get()
    assert (ending.outcome, ending.code, ending.agency) == ("success", "linked", "mountain")
    for model in (MinuteCount, DayCount):
        assert list(model.objects.values_list("ending", "count", "unlisted")) == [(ending.pk, 1, 0)]


def test_what_is_no_outcome_is_not_counted(rider: Rider, incidents: IncidentSender) -> None:
    rider.tells("started")
    incidents.flush()

    assert not Ending.objects.exists()


def test_a_failure_of_the_sites_own_hook_is_a_row_without_agency(incidents: IncidentSender, db: None) -> None:
    IncidentSink().send(
        new_report(enrollment=None, processor="", stage=None, upstream_status=None, route=None, error=None)
    )
    incidents.flush()

    incident = Incident.objects.get()
    assert (incident.agency, incident.account, incident.route, incident.exception) == ("", "", "", "")


def test_names_that_are_longer_than_their_columns_are_cut(incidents: IncidentSender) -> None:
    IncidentSink().send(new_report(enrollment=new_enrollment(flow="f" * 500, account="a" * 500), code="c" * 500))
    incidents.flush()

    incident = Incident.objects.get()
    incident.full_clean()
    assert incident.flow == "f" * 100


def test_no_column_holds_a_secret(rider: Rider, sandbox: SandboxServer, incidents: IncidentSender) -> None:
    for endpoint in ("authorization", "lookup", "link"):
        sandbox.faults.clear()
        sandbox.faults.set(endpoint, Fault(kind="status", status=400, body=CARD_TOKEN))
        rider.enrolls()
    incidents.flush()

    rows = str([*Incident.objects.values(), *Ending.objects.values()])
    for secret in (CARD_TOKEN, sandbox.state.client_secret, *sandbox.state.api_tokens):
        assert secret not in rows


def test_the_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("model", ["incident", "ending", "minutecount", "daycount"])
def test_nobody_can_be_permitted_to_change_what_happened(model: str, db: None) -> None:
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__model=model)
    assert [permission.codename for permission in permissions] == (["view_incident"] if model == "incident" else [])
