"""Run the sandbox, a transit processor for development, until it is interrupted."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...sandbox.cards import TEST_CARDS
from ...sandbox.loopback import NotLoopback
from ...sandbox.server import SandboxServer
from ...sandbox.services import SERVICES

SUMMARY = """\
The sandbox listens at {url}
It is steered at       {control_url}/sandbox/state (and account, faults, cards, groups, links, revoke, reset)

Settings for it:

ENROLLMENT_ERRORS = {{
    ...
    "ACCOUNTS": {{
        "{processor}": {{
            "CLASS": "{account[CLASS]}",
            "OPTIONS": {{
{options}
            }},
        }},
    }},{redirect_hosts}
}}

Concession groups:
{groups}

Test cards, where riders enter their card:
{cards}

Ctrl-C ends it, and what it holds is gone then."""


class Command(BaseCommand):
    help = "Runs a transit processor for development: its API, test cards, and faults on demand."
    # It also serves sites that are only half set up.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--processor", choices=SERVICES, default="littlepay", help="which one it is (littlepay)")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8900, help="port of the processor; 0 is a free one (8900)")
        parser.add_argument(
            "--control-port",
            type=int,
            default=8901,
            help="port at which it is steered, which stays when the processor is down; 0 is a free one (8901)",
        )
        parser.add_argument(
            "--group", action="append", metavar="ID", help="a concession group to start with, instead of the usual ones"
        )
        parser.add_argument(
            "--allow-remote", action="store_true", help="let other machines reach it, which has no protection"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        service = SERVICES[options["processor"]]()
        if options["group"]:
            service.state.start_with({group: group for group in options["group"]})
        try:
            server = SandboxServer(
                service,
                options["host"],
                options["port"],
                control_port=options["control_port"],
                allow_remote=options["allow_remote"],
            )
            server.start()
        except (NotLoopback, OSError) as refused:
            raise CommandError(f"The sandbox does not start: {refused}") from refused
        with TemporaryDirectory(prefix="enrollment-sandbox-") as folder, ExitStack() as ending:
            ending.callback(server.stop)
            hosts = server.service.redirect_hosts
            self.stdout.write(
                SUMMARY.format(
                    url=server.url,
                    control_url=server.control_url,
                    processor=server.service.name,
                    account=server.account(),
                    options=_options(server.account()["OPTIONS"], Path(folder)),
                    redirect_hosts=f'\n    "ALLOWED_REDIRECT_HOSTS": {json.dumps(hosts)},' if hosts else "",
                    groups=_list({group.id: group.label for group in server.state.groups.values()}),
                    cards=_list({card.key: card.name for card in TEST_CARDS}),
                )
            )
            self.stdout.flush()
            ended.wait()
        self.stdout.write("The sandbox has ended.")


def _list(rows: Mapping[str, str]) -> str:
    return "\n".join(f"  {key:<16}  {text}" for key, text in rows.items())


def _options(options: Mapping[str, Any], folder: Path) -> str:
    """The options as text for a settings file. Certificates and keys become files in ``folder``."""
    return "\n".join(f'                "{name}": {_written(name, value, folder)},' for name, value in options.items())


def _written(name: str, value: Any, folder: Path) -> str:
    if "-----BEGIN " not in str(value):
        return json.dumps(value)
    file = folder / f"{name.lower()}.pem"
    file.write_text(value)
    return f"Path({json.dumps(str(file))}).read_text()"
