"""Amplitude, through its SDK. ``amplitude_sender`` delivers the events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from amplitude import Amplitude, BaseEvent, Config

from .. import conf
from ..outcomes import Outcome
from ..processes import PerProcess
from .amplitude_sender import DEFAULT_URL, AmplitudeSender, HandingOver
from .report import Event, Report
from .sink import Sink


class AmplitudeSink(Sink):
    def send(self, report: Report) -> None:
        """Hands the event to a background thread. Does nothing if the site has set no key."""
        settings = conf.get_settings()
        if not settings.AMPLITUDE_API_KEY or not report.is_an_event:
            return
        client = _client(settings.AMPLITUDE_API_KEY, settings.AMPLITUDE_SERVER_URL or DEFAULT_URL)
        client.track(_event(report, settings.RELEASE))
        if report.event is Event.FINISHED_TOKENIZATION and report.outcome is Outcome.RETRY:
            # Sites also chart a refused card as an enrollment that came back.
            refused = replace(report, event=Event.RETURNED_ENROLLMENT, status="retry")
            client.track(_event(refused, settings.RELEASE))


_clients: PerProcess[Any] = PerProcess()


def _client(api_key: str, url: str) -> Any:
    def make() -> Any:
        return Amplitude(api_key, Config(storage_provider=HandingOver(AmplitudeSender(api_key, url))))

    return _clients.get((api_key, url), make)


def _event(report: Report, release: str) -> BaseEvent:
    origin = report.origin
    about = _about(report)
    return BaseEvent(
        event_type=report.event.value,
        user_id=origin.identity.user_id,
        device_id=origin.identity.device_id,
        session_id=origin.identity.session_id,
        insert_id=f"{report.reference} {report.event.value} {report.part}".rstrip(),
        time=int(report.at.timestamp() * 1000),
        language=origin.language,
        app_version=release or None,
        event_properties=_properties(
            {
                "path": origin.path,
                "verified_by": report.verified_by or None,
                "outcome": report.outcome,
                "stage": report.stage,
                "reference": report.reference,
                **about,
                **_own(report),
            }
        ),
        user_properties=_properties({**about, **_origin(report)}),
    )


def _about(report: Report) -> dict[str, Any]:
    enrollment = report.enrollment
    about: dict[str, Any] = {}
    if enrollment:
        about["transit_agency"] = enrollment.agency.slug
        about["eligibility_verifier"] = enrollment.verifier
        about["enrollment_method"] = enrollment.method
        about["enrollment_flows"] = [enrollment.flow]
    return about


def _own(report: Report) -> dict[str, Any]:
    """The properties that only this kind of event has. ``error`` is a code, never an exception's text."""
    error = None if report.status == "success" else report.code or None
    if report.event is Event.STARTED_TOKENIZATION:
        return {
            "card_tokenize_url": _plain_url(report.card_tokenize_url or "") or None,
            "card_tokenize_func": report.card_tokenize_func or None,
        }
    if report.event is Event.FINISHED_TOKENIZATION:
        return {"status": report.status, "error": error}
    if report.event is Event.FAILED_PRETOKENIZATION:
        return {"transit_processor": report.processor, "status_code": report.upstream_status, "error": error}
    return {
        "status": report.status,
        "enrollment_group": report.enrollment.group_id if report.enrollment else None,
        "transit_processor": report.processor,
        "error": error,
        "card_scheme": report.card_scheme,
        "card_category": report.card_category,
        "extra_claims": (report.enrollment.extra_claims if report.enrollment else None) or None,
    }


def _origin(report: Report) -> dict[str, Any]:
    referrer = _plain_url(report.origin.referrer)
    return {
        "referrer": referrer,
        "referring_domain": urlsplit(referrer).netloc,
        "user_agent": report.origin.user_agent,
    }


def _plain_url(url: str) -> str:
    """``url`` without query, fragment and credentials; empty if it is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json(value) for name, value in properties.items() if value is not None}


def _json(value: Any) -> Any:
    """A value of a type the SDK accepts: one property of another type makes it drop all of the event's properties."""
    if isinstance(value, Enum):
        return _json(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {str(name): _json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        # A list must not hold a list or ``None`` either.
        items = [_json(item) for item in value]
        return [str(item) if isinstance(item, list) else item for item in items if item is not None]
    return str(value)
