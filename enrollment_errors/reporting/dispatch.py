"""Sends one report to every sink, whatever becomes of each."""

from __future__ import annotations

from .. import conf
from ..exceptions import ConfigurationError
from . import amplitude, incidents, log, sentry, signals
from .budgets import budgets
from .report import Report

SINKS = (log, sentry, amplitude, incidents, signals)
"""Each a module with ``send(report)`` that returns at once, with a report that knows more for the sinks after it, or
nothing. The log comes first: it has no way to fail."""


def dispatch(report: Report) -> None:
    """Never raises, and waits for no server: what the rider sees does not depend on who hears of it."""
    report = budgets.weighed(report, per_minute=_per_minute())
    for sink in SINKS:
        try:
            report = sink.send(report) or report
        except Exception as error:  # noqa: BLE001  a broken sink must not break the rider's page
            log.sink_failed(sink.__name__, report, error)


def _per_minute() -> int:
    try:
        return conf.get_settings().INCIDENTS_PER_MINUTE
    except ConfigurationError:
        return conf.Settings.INCIDENTS_PER_MINUTE
