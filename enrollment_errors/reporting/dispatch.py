"""Sends one report to every sink, even if some of them fail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django.utils.module_loading import import_string

from .. import conf
from ..exceptions import ConfigurationError
from ..glance import Glance
from . import alerts, log
from .budgets import budgets
from .report import Report
from .sink import Sink

WITHOUT_SETTINGS = (
    "enrollment_errors.reporting.log.LogSink",
    "enrollment_errors.reporting.sentry.SentrySink",
    "enrollment_errors.reporting.signals.SignalSink",
)
"""The sinks to use if the settings cannot be read: those that read none."""


def dispatch(report: Report, glance: Glance | None = None) -> None:
    """Never raises, and waits for no server: reporting must not change what the rider sees. ``glance`` is what the
    request has read of the cache, if it has."""
    sinks, per_minute = _settings()
    report, changes = alerts.weighed(budgets.weighed(report, per_minute=per_minute), glance)
    for path in sinks:
        try:
            report = _sink(path).send(report) or report
        except Exception as error:  # noqa: BLE001  a broken sink must not break the rider's page
            log.sink_failed(path, report, error)
    alerts.tell(changes)


def _settings() -> tuple[Sequence[str], int]:
    try:
        settings = conf.get_settings()
    except ConfigurationError:
        return WITHOUT_SETTINGS, conf.Settings.INCIDENTS_PER_MINUTE
    return settings.SINKS, settings.INCIDENTS_PER_MINUTE


@cache
def _sink(path: str) -> Sink:
    """Each process makes one instance of each sink. If that fails, it tries again for the next report."""
    made: Sink = import_string(path)()
    return made
