"""What Sentry and Amplitude have received, in a form that people can read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from django.utils.dateparse import parse_datetime


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event. ``id`` is Sentry's, or empty. ``facts`` are Sentry's tags or Amplitude's event properties. ``whole``
    is the whole event as JSON.
    """

    to: str
    id: str
    name: str
    text: str
    at: datetime
    reference: str
    facts: Mapping[str, Any]
    whole: str


def read(sentry_events: Iterable[Mapping[str, Any]], amplitude_events: Iterable[Mapping[str, Any]]) -> list[Told]:
    return [_from_sentry(event) for event in sentry_events] + [_from_amplitude(event) for event in amplitude_events]


def _from_sentry(event: Mapping[str, Any]) -> Told:
    tags = event.get("tags") or {}
    # The last exception in a chain is the one that was raised. Its causes come before it.
    raised = ((event.get("exception") or {}).get("values") or [{}])[-1]
    return Told(
        to="Sentry",
        id=event["event_id"],
        name=raised.get("type") or event.get("level", ""),
        text=raised.get("value") or (event.get("logentry") or {}).get("message", ""),
        at=parse_datetime(event["timestamp"]),
        reference=tags.get("enrollment.reference", ""),
        facts=_readable(tags),
        whole=_as_json(event),
    )


def _from_amplitude(event: Mapping[str, Any]) -> Told:
    properties = event.get("event_properties") or {}
    return Told(
        to="Amplitude",
        id="",
        name=event["event_type"],
        text="",
        at=datetime.fromtimestamp(event["time"] / 1000, timezone.utc),
        reference=properties.get("reference", ""),
        facts=_readable(properties),
        whole=_as_json(event),
    )


def _readable(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ", ".join(value) if isinstance(value, list) else value for name, value in facts.items()}


def _as_json(event: Mapping[str, Any]) -> str:
    return json.dumps(event, indent=2, ensure_ascii=False, sort_keys=True)
