"""Ninety days of a small agency on a fake clock: how soon operators hear about an incident, and how often."""

from __future__ import annotations

import logging
import ssl
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest.mock import patch

import django
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.test.utils import setup_test_environment

from enrollment_errors.clock import Clock
from enrollment_errors.reporting.channels import Alert, Channel
from enrollment_errors.reporting.signals import enrollment_failed
from enrollment_errors.transport.circuit import circuit_opened
from tests import settings as site
from tests.doctor.site import TrustingProcessor
from tests.rider import Rider as Browser

from .quarter import DAYS, INCIDENTS, RIDERS_A_DAY, WATCH_EVERY, Incident, Processor, Rider, riders
from .tables import print_table

SELDOM = timedelta(hours=12)
"""How often to replay the watch while nothing changes."""
BELONGS = timedelta(days=1)
"""How long after the end of an incident an alert or a failure still belongs to it."""
COLUMNS = (
    "incident",
    "lasted",
    "first alert after",
    "alerts",
    "riders before it",
    "riders in all",
    "circuit opened after",
    "Sentry alone after",
    "its events",
)

Moments = list[timedelta]
Happenings = list[tuple[timedelta, Callable[[], object]]]


@dataclass
class Replay:
    """When things happened: ``alerts`` are when this app alerted operators, ``hit`` when a rider failed or was
    enrolled at full fare, ``events`` when a Sentry that gets one for each failure would get it, and ``opened`` when a
    circuit opened."""

    now: timedelta = timedelta()
    alerts: Moments = field(default_factory=list)
    hit: Moments = field(default_factory=list)
    events: Moments = field(default_factory=list)
    opened: Moments = field(default_factory=list)

    def failed(self, **kwargs: Any) -> None:
        self.events.append(self.now)

    def circuit_opened(self, **kwargs: Any) -> None:
        self.opened.append(self.now)


class Heard(Channel):
    """The operators' channel, which gets each alert at once."""

    waits: ClassVar[bool] = False
    replay: ClassVar[Replay]

    def send(self, alert: Alert) -> None:
        self.replay.alerts.append(self.replay.now)


def main() -> None:
    replay = _replayed()
    outside = [at for at in replay.alerts if not any(_is_of(incident, at) for incident in INCIDENTS)]
    print_table(
        f"{DAYS} days of an agency with {RIDERS_A_DAY} enrollments a day, on a fake clock",
        COLUMNS,
        [_row(incident, replay) for incident in INCIDENTS],
        note=f"The watch runs every {_said(WATCH_EVERY)}. Riders are those who failed, or who were enrolled but pay "
        f"the full fare. Sentry alone gets an event for each failure. Alerts outside of incidents: {len(outside)}.",
    )


def _row(incident: Incident, replay: Replay) -> tuple[object, ...]:
    alerts, hit, events, opened = (
        [at for at in moments if _is_of(incident, at)]
        for moments in (replay.alerts, replay.hit, replay.events, replay.opened)
    )
    return (
        incident.name,
        _said(incident.ends - incident.begins),
        _first(incident, alerts),
        len(alerts),
        sum(1 for at in hit if not alerts or at <= alerts[0]),
        len(hit),
        _first(incident, opened),
        _first(incident, events),
        len(events),
    )


def _is_of(incident: Incident, at: timedelta) -> bool:
    return incident.begins <= at < incident.ends + BELONGS


def _first(incident: Incident, moments: Moments) -> str:
    return _said(moments[0] - incident.begins) if moments else "never"


def _said(time: timedelta) -> str:
    """In whole minutes, because everything but a blip begins on one; less than a minute, in seconds."""
    if time < timedelta(minutes=1):
        return f"{time.seconds} s"
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _replayed() -> Replay:
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    # A Monday in the future: OpenSSL reads the real clock, and must accept the certificates.
    monday = today + timedelta(days=7 - today.weekday())
    logging.disable()
    with time_machine.travel(monday) as traveller, TemporaryDirectory() as folder:
        processor = Processor()
        with processor.server:
            _set_up(processor, database=f"{folder}/db")
            Heard.replay = replay = Replay()
            enrollment_failed.connect(replay.failed)
            circuit_opened.connect(replay.circuit_opened)
            changes = deque(_changes(processor))

            def pass_to(at: timedelta) -> None:
                """Moves the clock to ``at``. Incidents begin and end on the way."""
                while changes and changes[0][0] <= at:
                    moment, change = changes.popleft()
                    traveller.move_to(monday + moment)
                    change()
                replay.now = max(replay.now, at)
                traveller.move_to(monday + replay.now)

            def sleep(clock: Clock, seconds: float) -> None:
                pass_to(replay.now + timedelta(seconds=seconds))

            with patch.object(Clock, "sleep", sleep):
                for at, happen in _happenings(processor, replay):
                    pass_to(at)
                    happen()
    return replay


def _changes(processor: Processor) -> Happenings:
    changes: Happenings = []
    for incident in INCIDENTS:
        changes.append((incident.begins, partial(incident.begin, processor)))
        changes.append((incident.ends, partial(incident.end, processor)))
    return changes


def _happenings(processor: Processor, replay: Replay) -> Happenings:
    """The runs of the watch and the riders' visits, in order. In the same minute, the watch comes first."""
    visits: Happenings = [(rider.at, partial(_enroll, rider, processor, replay)) for rider in riders()]
    watch = partial(call_command, "watch_enrollment", stdout=StringIO())
    near = [at for at, _ in visits if any(_is_of(incident, at) for incident in INCIDENTS)]
    runs: Happenings = [(at, watch) for at in _runs([*(at for at, _ in _changes(processor)), *near])]
    return sorted([*runs, *visits], key=lambda happening: happening[0])


def _runs(changes: Collection[timedelta]) -> Iterator[timedelta]:
    """When the watch runs: every ``WATCH_EVERY`` if something has changed since the run before, otherwise every
    ``SELDOM``."""
    for number in range(timedelta(days=DAYS) // WATCH_EVERY):
        at = number * WATCH_EVERY
        if not at % SELDOM or any(at - WATCH_EVERY < change <= at for change in changes):
            yield at


def _enroll(rider: Rider, processor: Processor, replay: Replay) -> None:
    card = f"card-{rider.at.total_seconds():.0f}"
    processor.server.state.add_card(card)
    end = Browser().becomes_eligible(group=rider.group_id).walks(card)
    if end.page != "success" or processor.enrolls_at_full_fare(rider.group_id):
        replay.hit.append(replay.now)


def _set_up(processor: Processor, *, database: str) -> None:
    account = {
        "CLASS": "tests.doctor.site.TrustingProcessor",
        "OPTIONS": {**processor.server.account()["OPTIONS"], "CARD_FORM_URL": processor.server.control_url},
    }
    ours = {
        "ADAPTER": "tests.doctor.site.TellingAdapter",
        "ACCOUNTS": {"littlepay": account},
        "ALERT_CHANNELS": ["bench.replay.Heard"],
    }
    everything = {name: getattr(site, name) for name in dir(site) if name.isupper()}
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}}
    settings.configure(**{**everything, "DATABASES": databases, "ENROLLMENT_ERRORS": ours, "LOGGING_CONFIG": None})
    django.setup()
    setup_test_environment()
    TrustingProcessor.context = ssl.create_default_context(cadata=processor.authority.certificate)
    call_command("migrate", verbosity=0)
