"""Run the sandbox, a transit processor for development, until it is interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...sandbox.cards import TEST_CARDS
from ...sandbox.loopback import NotLoopback
from ...sandbox.server import SandboxServer
from ...sandbox.state import DEFAULT_GROUPS

SUMMARY = """\
The sandbox listens at {url}
It is steered at       {control_url}/sandbox/state (and faults, cards, groups, links, revoke, reset)

Settings for it:

ENROLLMENT_ERRORS = {{
    ...
    "ACCOUNTS": {{
        "littlepay": {{
            "CLASS": "enrollment_errors.processors.littlepay.LittlepayProcessor",
            "OPTIONS": {{
                "BASE_URL": "{url}",
                "CLIENT_ID": "{state.client_id}",
                "CLIENT_SECRET": "{state.client_secret}",
                "AUDIENCE": "{state.audience}",
                "CARD_FORM_URL": "{url}",
            }},
        }},
    }},
}}

Concession groups:
{groups}

Test cards, in the card form:
{cards}

Ctrl-C ends it, and what it holds is gone then."""


class Command(BaseCommand):
    help = "Runs a transit processor for development: the Littlepay API, test cards, and faults on demand."
    # It serves sites that are only half set up.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
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
        groups = {group: group for group in options["group"]} if options["group"] else DEFAULT_GROUPS
        try:
            server = SandboxServer(
                options["host"],
                options["port"],
                control_port=options["control_port"],
                allow_remote=options["allow_remote"],
                groups=groups,
            )
            server.start()
        except (NotLoopback, OSError) as refused:
            raise CommandError(f"The sandbox does not start: {refused}") from refused
        try:
            self.stdout.write(
                SUMMARY.format(
                    url=server.url,
                    control_url=server.control_url,
                    state=server.state,
                    groups=_list(groups),
                    cards=_list({card.key: card.name for card in TEST_CARDS}),
                )
            )
            self.stdout.flush()
            ended.wait()
        finally:
            server.stop()
            self.stdout.write("The sandbox has ended.")


def _list(rows: Mapping[str, str]) -> str:
    return "\n".join(f"  {key:<16}  {text}" for key, text in rows.items())
