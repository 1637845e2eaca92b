"""The channels that bring alerts to operators. To add one, write a small class and name it in ``ALERT_CHANNELS``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.mail import EmailMessage

from ..exceptions import ConfigurationError
from ..secret import Secret
from . import sentry

Level = Literal["info", "warning", "error"]

TIMEOUTS = (5.0, 10.0)
"""Seconds to connect to a webhook, and seconds of silence."""
_ON_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What operators read: ``subject`` is one line, ``text`` says the rest. Neither contains rider data.

    ``level`` is ``info`` if something is over. ``account`` is empty if it is about the whole site. ``cause`` is a code
    of the catalogue, or a finding of the doctor or the watch. Each cause has its own ``fingerprint``.
    ``is_of_a_report``: the sinks for Sentry and the log have the failure itself.
    """

    subject: str
    text: str
    level: Level
    account: str
    cause: str
    fingerprint: tuple[str, ...]
    is_of_a_report: bool = False


class Channel(ABC):
    """Subclass it, write ``send``, and name the class by its dotted path in ``ALERT_CHANNELS``. ``OPTIONS`` are the
    arguments of its ``__init__``."""

    waits: ClassVar[bool] = True
    """Whether ``send`` may wait for a server. If so, a thread calls it, and no rider waits."""

    @abstractmethod
    def send(self, alert: Alert) -> None:
        """Called again, with growing pauses, if it raises. Only the exception's type is logged."""


class SentryChannel(Channel):
    waits: ClassVar[bool] = False  # the SDK has its own thread

    def send(self, alert: Alert) -> None:
        if not alert.is_of_a_report:
            sentry.announce(
                f"{alert.subject}\n\n{alert.text}".strip(),
                level=alert.level,
                tags={"enrollment.account": alert.account, "enrollment.code": alert.cause, "type": "alert"},
                fingerprint=list(alert.fingerprint),
            )


class MailChannel(Channel):
    """Through Django's own mail settings, from ``SERVER_EMAIL`` to ``to``, or to ``ADMINS`` by default."""

    def __init__(self, to: Sequence[str] = ()) -> None:
        if isinstance(to, str) or not all(isinstance(address, str) for address in to):
            raise ConfigurationError('"to" must be a list of mail addresses.')
        self._to = list(to)

    def send(self, alert: Alert) -> None:
        to = self._to or [admin if isinstance(admin, str) else admin[1] for admin in settings.ADMINS]
        if to:
            subject = f"{settings.EMAIL_SUBJECT_PREFIX}{alert.subject}"
            EmailMessage(subject, alert.text, settings.SERVER_EMAIL, to).send()


class _Webhook(Channel):
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _ON_THIS_MACHINE:
            raise ConfigurationError('"url" must be the https address of the webhook.')  # anyone who knows it can post
        self._url = Secret(url)

    def send(self, alert: Alert) -> None:
        with requests.Session() as session:
            session.trust_env = False
            status = self._post(session, self.body(alert))
        if not 200 <= status < 300:
            raise WebhookRefused(status)

    @abstractmethod
    def body(self, alert: Alert) -> dict[str, Any]:
        """The JSON to post."""

    def _post(self, session: requests.Session, body: dict[str, Any]) -> int:
        try:
            with session.post(
                self._url.reveal(), json=body, timeout=TIMEOUTS, allow_redirects=False, stream=True
            ) as answer:
                return answer.status_code
        except requests.RequestException as error:
            failure = type(error).__name__
        raise WebhookRefused(failure)  # outside the except block: the exception of requests contains the URL


class WebhookRefused(Exception):
    """The webhook answered with a status other than 2xx, or not at all."""


class SlackChannel(_Webhook):
    """An incoming webhook of Slack, or of a service that accepts its format."""

    def body(self, alert: Alert) -> dict[str, Any]:
        return {"text": f"*{_escaped(alert.subject)}*\n{_escaped(alert.text)}".strip()}


class TeamsChannel(_Webhook):
    """A Workflows webhook of Microsoft Teams ("Post to a channel when a webhook request is received")."""

    def body(self, alert: Alert) -> dict[str, Any]:
        blocks = [{"type": "TextBlock", "text": alert.subject, "weight": "bolder", "wrap": True}]
        blocks += [{"type": "TextBlock", "text": line, "wrap": True} for line in alert.text.splitlines() if line]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
        content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return {"type": "message", "attachments": [content]}


def _escaped(text: str) -> str:
    """Escapes the three characters that have a special meaning in Slack's format."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
