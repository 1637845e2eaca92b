"""Alerts about each cause: at once when it begins, at most once an hour while it continues, and once when it is over.

Every channel in ``ALERT_CHANNELS`` gets each alert. If there is a failure, the log and Sentry have the failure itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.utils.translation import override

from .. import conf
from ..account_directory import account_broke, account_mended
from ..catalogue import explained
from ..exceptions import ConfigurationError
from ..glance import Glance
from ..outcomes import Outcome
from ..plural import counted
from ..processes import PerProcess
from ..runbooks import runbook_url
from ..transport.circuit import circuit_closed, circuit_opened
from . import causes
from .alert_sender import AlertSender, send
from .causes import UNUSABLE, Cause
from .channels import Alert, Channel, Level, SentryChannel
from .report import Report

logger = logging.getLogger("enrollment_errors")

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_senders: PerProcess[AlertSender] = PerProcess()


def connect() -> None:
    """Called once, when Django has started."""
    circuit_opened.connect(_opened, dispatch_uid="enrollment_errors.circuit_opened")
    circuit_closed.connect(_closed, dispatch_uid="enrollment_errors.circuit_closed")
    account_broke.connect(_broke, dispatch_uid="enrollment_errors.account_broke")
    account_mended.connect(_mended, dispatch_uid="enrollment_errors.account_mended")


def weighed(report: Report, glance: Glance | None = None) -> tuple[Report, list[Alert]]:
    """The report, marked if its cause is already known, and the alerts to send now. Never raises."""
    if report.outcome is Outcome.SUCCESS and not report.is_fault:
        return report, [_over(cause) for cause in causes.succeeded(report, glance) if cause.is_wide]
    if not report.is_fault or not report.is_an_event:
        return report, []
    cause, is_told_now = causes.failed(report)
    report = replace(report, is_known=not is_told_now, failures=cause.failures, riders=cause.riders)
    return report, [_failure(cause, report)] if is_told_now else []


def found(account: str, place: str, code: str, text: str, *, group_id: str = "", is_failure: bool = True) -> None:
    """Tell operators about a problem found without a rider, unless they know. ``code`` is one of the catalogue's or
    the doctor's. Waits for the channels."""
    if causes.found(account, group_id, code):
        what = "does not work" if is_failure else "needs your attention"
        level: Level = "error" if is_failure else "warning"
        subject = f"Enrollment with {place} {what} ({code})."
        tell([_alert(subject, text, level, account, group_id, code)], wait=True)


def works(account: str, place: str, code: str, *, group_id: str = "", lasted: float) -> None:
    """A problem that was ``found`` is over, after ``lasted`` seconds. Waits for the channels."""
    same = causes.mended(account, group_id, name=causes.name_of(code))
    subject = f"Enrollment with {place} works again ({code})."
    text = _lasted(lasted, sum(cause.riders for cause in same))
    tell([_alert(subject, text, "info", account, group_id, code)], wait=True)


def is_well(account: str, *, group_id: str = "") -> None:
    """All is well, as seen without a rider: problems of that kind that riders met are over. Waits for the channels."""
    tell([_over(cause) for cause in causes.mended(account, group_id) if cause.is_wide], wait=True)


def tell(alerts: Iterable[Alert], *, wait: bool = False) -> None:
    """Send to the log and to every channel. Never raises. Set ``wait`` if no rider waits and the process may end."""
    for alert in alerts:
        if not alert.is_of_a_report:
            level = _LEVELS[alert.level]
            logger.log(level, "%s %s", alert.subject, alert.text, extra={"account": alert.account, "code": alert.cause})
        for number, channel in enumerate(_channels()):
            if channel.waits and not wait:
                _senders.get((number, type(channel)), partial(AlertSender, channel)).put(alert)
                continue
            if failure := send(channel, alert):
                logger.error("An alert cannot be sent (%s).", failure)


def _channels() -> Iterable[Channel]:
    try:
        return conf.get_settings().ALERT_CHANNELS
    except ConfigurationError:
        return (SentryChannel(),)


def _failure(cause: Cause, report: Report) -> Alert:
    code = explained(report.code)
    is_warning = code.may_be_the_riders or not cause.is_wide
    with override(django_settings.LANGUAGE_CODE):
        place = _place(cause, report.enrollment.agency.slug if report.enrollment else "")
        again = ""
        if cause.failures > 1 or cause.was_watched:
            failures = "One failure" if cause.failures == 1 else f"{cause.failures} failures"
            again = f"{failures} of {_riders(cause.riders)} since {cause.since:%Y-%m-%d %H:%M} UTC. "
        subject = f"{'Still: ' if again else ''}{place} {'failed' if is_warning else 'fails'} ({report.code})."
        text = f"{again}{code.meaning} {code.action} The last failure has the reference {report.reference}."
    level: Level = "warning" if is_warning else "error"
    alert = _alert(subject, text, level, cause.account, cause.group_id, report.code)
    return replace(alert, is_of_a_report=True)


def _over(cause: Cause) -> Alert:
    place = _place(cause)
    subject = f"{place} works again ({cause.code})."
    return _alert(subject, _lasted(cause.seconds, cause.riders), "info", cause.account, cause.group_id, cause.code)


def _alert(subject: str, text: str, level: Level, account: str, group_id: str, code: str) -> Alert:
    name = causes.name_of(code)
    fingerprint = ("enrollment_errors", "alert", account, group_id, name, *(["over"] if level == "info" else []))
    if level != "info" and (url := runbook_url(code)):
        text = f"{text} Runbook: {url}"
    return Alert(subject=subject, text=text, level=level, account=account, cause=code, fingerprint=fingerprint)


def _place(cause: Cause, agency: str = "") -> str:
    account = f" with the account {cause.account}" if cause.account else ""
    group = f", group {cause.group_id}" if cause.group_id else ""
    return f"Enrollment{account}{f' ({agency})' if agency else ''}{group}"


def _lasted(seconds: float, riders: int) -> str:
    minutes = round(seconds / 60)
    if minutes >= 60:
        lasted = f"{minutes // 60} h {minutes % 60} min"
    else:
        lasted = counted(minutes, "minute") if minutes else "less than a minute"
    return f"It lasted {lasted} and affected {_riders(riders)}."


def _riders(number: int) -> str:
    return {0: "no rider", 1: "one rider"}.get(number, f"{number} riders")


def _opened(account: str, error: Exception, **kwargs: Any) -> None:
    # For the log alone: the failures that opened it were already reported. The failure's type says enough.
    failure = type(error).__name__
    text = f"The circuit of {account} opened after {failure}. Riders get the system-error page, and calls stop."
    logger.error(text, extra={"account": account, "circuit": "opened", "exception": failure})


def _closed(account: str, seconds: float, **kwargs: Any) -> None:
    text = f"The circuit of {account} closed after {seconds:.0f} s. Calls to the processor go on."
    logger.info(text, extra={"account": account, "circuit": "closed", "seconds": seconds})


def _broke(account: str, error: Exception, **kwargs: Any) -> None:
    if causes.found(account, "", UNUSABLE):
        # The error's text is our own: it names the place and the fix, and holds no value.
        subject = f"Riders of the account {account} cannot enroll ({UNUSABLE})."
        tell([_alert(subject, str(error), "error", account, "", UNUSABLE)])


def _mended(account: str, **kwargs: Any) -> None:
    for cause in causes.mended(account, name=UNUSABLE):
        subject = f"The account {account} can be used again."
        tell([_alert(subject, _lasted(cause.seconds, cause.riders), "info", account, "", UNUSABLE)])
