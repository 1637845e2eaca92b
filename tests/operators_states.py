"""What operators see of each code, diagnosis and state: more than their pages need for a test, but what translators
have to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from django.urls import reverse

from enrollment_errors.accounts.models import Account
from enrollment_errors.catalogue import CODES
from enrollment_errors.doctor.diagnoses import DIAGNOSES, Level
from enrollment_errors.incidents.models import Incident
from enrollment_errors.incidents.page import MOST_CHARTS
from enrollment_errors.ledger.models import Entry, Removal
from enrollment_errors.outcomes import Outcome, Side, Stage
from enrollment_errors.references import ALPHABET
from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.watch.models import Switch, Watched
from tests.incidents.conftest import ended
from tests.incidents.conftest import facts as of_a_failure
from tests.ledger.conftest import enrolled, unlinked

from .operators import A_CODE_EACH

SWITCHIO = "enrollment_errors.processors.switchio.SwitchioProcessor"


def each_code_and_state() -> dict[str, str]:
    """Adds a row for each code, diagnosis and state to ``one_of_everything``. Returns their pages' addresses by
    title."""
    moment = datetime.now(timezone.utc)
    references = (f"VVV-VV{first}-VV{second}" for first in ALPHABET for second in ALPHABET)
    return dict(
        (
            *_incidents(moment),
            *_enrollments(moment, references),
            *_removals(moment, references),
            *_sent_links(moment, references),
            *_findings(moment),
            *_switches(moment),
            *_endings(moment),
            _account(),
        )
    )


def _incidents(moment: datetime) -> Iterator[tuple[str, str]]:
    """Codes that no site reports are among them: their texts are in the catalog, too."""
    steps = [stage.value for stage in Stage]
    for number, (code, entry) in enumerate(CODES.items()):
        if code in A_CODE_EACH or (entry.outcome is Outcome.SUCCESS and entry.is_reported and not entry.is_odd):
            continue
        row = Incident.objects.create(
            **of_a_failure(
                at=moment,
                code=code,
                outcome=entry.outcome.value,
                reference="H7P-2QX-9MV",
                stage=steps[number % len(steps)],
                method=("self_service", "in_person")[number % 2],
                side=list(Side)[number % 2].value,
            )
        )
        yield f"incident: {code}", _page_of(row)
    every = reverse("admin:enrollment_incidents_incident_changelist")
    yield "incidents, every code", every
    yield "incidents, every code, page 2", f"{every}?p=2"


def _enrollments(moment: datetime, references: Iterator[str]) -> Iterator[tuple[str, str]]:
    for code, entry in CODES.items():
        if entry.outcome is Outcome.SUCCESS and entry.is_reported:
            reference = next(references)
            enrolled(reference=reference, at=moment, code=code)
            yield f"enrollment: {code}", _page_of(Entry.objects.get(reference=reference))
    over = next(references)
    enrolled(reference=over, at=moment, expires_at=moment - timedelta(days=1))
    yield "reference, expired", _known_of(over)
    lost = next(references)
    Incident.objects.create(**of_a_failure(at=moment, reference=lost, code="link_answer_lost", outcome="unknown"))
    yield "reference, answer lost", _known_of(lost)


def _removals(moment: datetime, references: Iterator[str]) -> Iterator[tuple[str, str]]:
    for outcome in Removal:
        reference = next(references)
        row = unlinked(at=moment, reference=reference, outcome=outcome.value, reason="the reason", code="")
        yield f"removed card: {outcome.value}", _page_of(row)
        yield f"reference, removed card: {outcome.value}", _known_of(reference)


def _sent_links(moment: datetime, references: Iterator[str]) -> Iterator[tuple[str, str]]:
    for state in State:
        reference = next(references)
        is_open = state in (State.OPEN, State.FINISHING)
        row = SentLink.objects.create(
            reference=reference,
            state=state,
            account="littlepay",
            agency="mountain",
            flow="senior",
            opened_at=moment,
            next_at=moment if is_open else None,
            ended_at=None if is_open else moment,
            finishing="" if state == State.OPEN else "0" * 32,
        )
        yield f"sent link: {state.value}", _page_of(row)
        yield f"reference, sent link: {state.value}", _known_of(reference)


def _findings(moment: datetime) -> Iterator[tuple[str, str]]:
    for name, diagnosis in DIAGNOSES.items():
        row = Watched.objects.create(
            account="littlepay",
            group_id=f"group of {name}",
            diagnosis=name,
            is_failure=diagnosis.level is Level.FAILURE,
            since=moment,
            checked_at=moment,
        )
        yield f"finding: {name}", _page_of(row)
    well = Watched.objects.create(account="littlepay", since=moment, checked_at=moment)
    yield "finding: nothing", _page_of(well)


def _switches(moment: datetime) -> Iterator[tuple[str, str]]:
    for position in Switch.Position.values:
        for begins in (moment, moment + timedelta(days=1)):
            Switch.objects.create(account="littlepay", position=position, begins=begins, set_by="Ana")
    Switch.objects.create(account="littlepay", begins=moment, ends=moment + timedelta(days=2))
    yield "switches, every position", reverse("admin:enrollment_watch_switch_changelist")


def _endings(moment: datetime) -> Iterator[tuple[str, str]]:
    """More charts than the overview shows at once, and one without a rate."""
    for number in range(1, MOST_CHARTS + 1):
        ended(number, at=moment, agency=f"agency-{number}")
    ended(at=moment, agency="patient", code="card_refused", outcome="retry")
    overview = reverse("admin:enrollment_incidents_ending_changelist")
    yield "overview, with everything", overview
    yield "overview of a day", f"{overview}?period=day&agency=patient&show=all"
    yield "overview of all that is kept", f"{overview}?period=all&agency=mountain"


def _account() -> tuple[str, str]:
    return "account: switchio", _page_of(Account.objects.create(name="switchio", processor=SWITCHIO))


def _page_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _known_of(reference: str) -> str:
    return f"{reverse('admin:enrollment_ledger_entry_reference')}?q={reference}"
