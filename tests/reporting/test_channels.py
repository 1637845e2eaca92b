"""How operators get alerts: by mail, Slack, Teams, and a site's own class, and when one of them is down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import django
import pytest
from django.core import mail

from enrollment_errors import conf
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.reporting.alert_sender import TRIES, AlertSender
from enrollment_errors.reporting.background import Undelivered
from enrollment_errors.reporting.channels import (
    Alert,
    Channel,
    MailChannel,
    SlackChannel,
    TeamsChannel,
    WebhookRefused,
)
from enrollment_errors.reporting.dispatch import dispatch
from tests.ports import free_port
from tests.waiting import wait_until

from .reports import new_report

MODULE = "enrollment_errors.reporting.channels"
SECRET_PATH = "/services/T00/B00/a-secret"
ALERT = Alert(
    subject="Enrollment with the account littlepay fails (processor_error).",
    text="2 failures of 2 riders.\nAsk <them> & wait.",
    level="error",
    account="littlepay",
    cause="processor_error",
    fingerprint=("enrollment_errors", "alert", "littlepay", "", "outage"),
)


class Webhook:
    """A server that keeps what is posted to it, over real HTTP."""

    def __init__(self) -> None:
        self.status = 200
        self.posted: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.posted.append({"path": self.path, "body": body})
                self.send_response(hook.status)
                self.send_header("Location", f"http://127.0.0.1:{hook.server.server_port}/elsewhere")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{SECRET_PATH}"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


class TestMail:
    @pytest.fixture(autouse=True)
    def mailers(self, settings: Any, mailoutbox: list[Any]) -> None:
        if django.VERSION >= (6, 1):
            settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

    def test_goes_to_the_admins(self, settings: Any) -> None:
        settings.ADMINS = [("Ana", "ana@example.org")]
        settings.EMAIL_SUBJECT_PREFIX = "[Benefits] "
        MailChannel().send(ALERT)

        [message] = mail.outbox
        assert message.to == ["ana@example.org"]
        assert message.subject == f"[Benefits] {ALERT.subject}"
        assert message.body == ALERT.text

    def test_goes_to_others_where_the_site_says_so(self, settings: Any) -> None:
        settings.ADMINS = ["ana@example.org"]
        MailChannel(to=["ops@example.org"]).send(ALERT)
        MailChannel().send(ALERT)

        assert [message.to for message in mail.outbox] == [["ops@example.org"], ["ana@example.org"]]

    def test_goes_nowhere_where_nobody_is_named(self, settings: Any) -> None:
        settings.ADMINS = []
        MailChannel().send(ALERT)

        assert mail.outbox == []

    @pytest.mark.parametrize("to", ["ops@example.org", [1]])
    def test_wants_a_list_of_addresses(self, to: Any) -> None:
        with pytest.raises(ConfigurationError, match='"to" must be a list'):
            MailChannel(to=to)


class TestAWebhook:
    def test_of_slack_gets_a_text(self, webhook: Webhook) -> None:
        SlackChannel(webhook.url).send(ALERT)

        text = f"*{ALERT.subject}*\n2 failures of 2 riders.\nAsk &lt;them&gt; &amp; wait."
        assert webhook.posted == [{"path": SECRET_PATH, "body": {"text": text}}]

    def test_of_teams_gets_a_card(self, webhook: Webhook) -> None:
        TeamsChannel(webhook.url).send(ALERT)

        [posted] = webhook.posted
        [attachment] = posted["body"]["attachments"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert [block["text"] for block in attachment["content"]["body"]] == [ALERT.subject, *ALERT.text.splitlines()]

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_that_refuses_it_is_no_success(self, webhook: Webhook, status: int) -> None:
        webhook.status = status
        with pytest.raises(WebhookRefused) as refused:
            SlackChannel(webhook.url).send(ALERT)

        assert len(webhook.posted) == 1  # no redirect is followed
        assert "secret" not in repr(refused.value)

    def test_that_is_down_keeps_its_address_to_itself(self) -> None:
        with pytest.raises(WebhookRefused) as refused:
            SlackChannel(f"http://127.0.0.1:{free_port()}{SECRET_PATH}").send(ALERT)

        assert refused.value.__context__ is None
        assert "ConnectionError" in str(refused.value)

    def test_has_an_encrypted_address(self) -> None:
        with pytest.raises(ConfigurationError, match="https") as problem:
            SlackChannel("http://hooks.example.org/a-secret")
        assert "a-secret" not in str(problem.value)


class TestTheSetting:
    def test_names_classes_with_their_options(self, site: Any, webhook: Webhook) -> None:
        site(
            ALERT_CHANNELS=[
                f"{MODULE}.MailChannel",
                {"CLASS": f"{MODULE}.SlackChannel", "OPTIONS": {"url": webhook.url}},
            ]
        )

        assert [type(channel) for channel in conf.get_settings().ALERT_CHANNELS] == [MailChannel, SlackChannel]
        assert "a-secret" not in repr(conf.get_settings())

    @pytest.mark.parametrize(
        ("channels", "told"),
        [
            ("MailChannel", "must be a list"),
            ([7], "must be a list of dotted paths"),
            ([{"OPTIONS": {}}], "must be a list of dotted paths"),
            ([f"{MODULE}.PagerChannel"], "cannot be imported"),
            (["enrollment_errors.secret.Secret"], "has no method send"),
            ([{"CLASS": f"{MODULE}.SlackChannel", "OPTION": {}}], 'unknown key "OPTION"'),
            ([f"{MODULE}.SlackChannel"], 'takes as "OPTIONS" a dict of: url'),
            ([{"CLASS": f"{MODULE}.SentryChannel", "OPTIONS": {"x": 1}}], "a dict of: "),
            ([{"CLASS": f"{MODULE}.SlackChannel", "OPTIONS": {"url": "http://example.org"}}], "https"),
        ],
    )
    def test_says_what_is_wrong_with_it(self, site: Any, channels: Any, told: str) -> None:
        site(ALERT_CHANNELS=channels)
        with pytest.raises(ConfigurationError) as problem:
            conf.get_settings()
        assert told in str(problem.value)


class Deaf(Channel):
    waits = False

    def send(self, alert: Alert) -> None:
        raise ConnectionError("https://hooks.example.org/a-secret")


def test_a_failure_reaches_every_channel_without_the_rider_waiting_for_one(
    site: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("enrollment_errors.reporting.background.BATCH_SECONDS", 0.01)
    slack = {"CLASS": f"{MODULE}.SlackChannel", "OPTIONS": {"url": webhook.url}}
    runbook = {"*": "https://wiki.example/{code}"}
    site(ALERT_CHANNELS=["tests.reporting.test_channels.Deaf", slack], SINKS=[], RUNBOOK_URLS=runbook)

    dispatch(new_report())
    dispatch(new_report())

    wait_until(lambda: webhook.posted, "the alert")
    wait_until(
        lambda: AlertSender.thread_name not in [thread.name for thread in threading.enumerate()],
        "the end of the thread that had something to deliver",
    )
    [posted] = webhook.posted
    assert posted["body"]["text"].startswith(
        "*Enrollment with the account littlepay-mountain (mountain) fails (processor_error).*\n"
    )
    assert posted["body"]["text"].endswith(
        "The last failure has the reference H7P-2QX-9MR. Runbook: https://wiki.example/processor_error"
    )
    assert "An alert cannot be sent (Deaf: ConnectionError)." in caplog.text
    assert "a-secret" not in caplog.text


class TestTheSender:
    def test_tries_again_within_bounds(self, webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
        sender = AlertSender(SlackChannel(webhook.url), background=False)
        webhook.status = 503
        sender.put(ALERT)
        for _ in range(TRIES):
            with pytest.raises(Undelivered):
                sender.flush()

        assert (len(webhook.posted), sender.waiting()) == (TRIES, 0)
        assert "Alerts cannot be delivered (SlackChannel: WebhookRefused): they wait." in caplog.text
        sender.flush()  # has nothing left to send

    def test_has_room_for_so_many(self, webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
        sender = AlertSender(SlackChannel(webhook.url), background=False)
        for _ in range(101):
            sender.put(ALERT)

        assert sender.waiting() == 100
        assert "Alerts are dropped: there is no room for more." in caplog.text
