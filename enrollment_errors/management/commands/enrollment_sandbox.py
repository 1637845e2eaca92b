"""Run the sandbox, a transit processor for development, until it is interrupted."""

from __future__ import annotations

import errno
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

HIGHEST_PORT = 65_535

SUMMARY = """\
The sandbox listens at {url}
Control it at          {control_url}/sandbox/state
(and at account, faults, cards, groups, products, links, revoke and reset beside it).

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

Ctrl-C ends it. It keeps nothing for its next start."""


class Command(BaseCommand):
    help = "Runs a transit processor for development: its API, test cards, and faults on demand."
    # It also serves sites that are only half set up.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processor",
            choices=SERVICES,
            default="littlepay",
            help="the processor that it imitates (default: littlepay)",
        )
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: 127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=8900, help="the processor's port; 0 picks a free one (default: 8900)"
        )
        parser.add_argument(
            "--control-port",
            type=int,
            default=8901,
            help="the port to control it at, which stays up while the processor is down; 0 picks a free one "
            "(default: 8901)",
        )
        parser.add_argument(
            "--group",
            action="append",
            metavar="ID",
            help="a concession group to start with, instead of the usual ones; you can repeat it",
        )
        parser.add_argument(
            "--allow-remote", action="store_true", help="let other machines reach it, although it has no protection"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        for name in ("port", "control_port"):
            if not 0 <= options[name] <= HIGHEST_PORT:
                raise CommandError(f"--{name.replace('_', '-')} must be from 0 to {HIGHEST_PORT}.")
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
        except NotLoopback as refused:
            raise CommandError(f"The sandbox cannot start. {refused}") from refused
        except OSError as refused:
            ports = " or ".join(str(port) for port in (options["port"], options["control_port"]) if port)
            advice = " Choose others with --port and --control-port; 0 picks a free one."
            raise CommandError(
                f"The sandbox cannot start at {options['host']}, port {ports or 0}: {refused.strerror}."
                + (advice if refused.errno == errno.EADDRINUSE else "")
            ) from refused
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
    width = max(map(len, rows), default=0)
    return "\n".join(f"  {key:<{width}}  {text}" for key, text in rows.items())


def _options(options: Mapping[str, Any], folder: Path) -> str:
    """The options as text for a settings file. Certificates and keys become files in ``folder``."""
    return "\n".join(f'                "{name}": {_written(name, value, folder)},' for name, value in options.items())


def _written(name: str, value: Any, folder: Path) -> str:
    if "-----BEGIN " not in str(value):
        return json.dumps(value)
    file = folder / f"{name.lower()}.pem"
    file.write_text(value)
    return f"Path({json.dumps(str(file))}).read_text()"
