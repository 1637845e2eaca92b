"""Switches enrollment off and on again for an account or an agency, with a message for riders."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, localtime, make_aware, now

from ....plural import counted
from ...models import Switch


class Command(BaseCommand):
    help = "Sets, ends and lists enrollment switches. A change takes up to ten seconds to reach every process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action",
            choices=("off", "on", "end", "list"),
            help="off: riders cannot enroll; on: for a test, riders can enroll, whatever the circuit and the watch "
            "say; end: end every switch for this account and agency; list: show every switch that applies now or later",
        )
        parser.add_argument("--account", default="", metavar="NAME", help="the account to switch")
        parser.add_argument("--agency", default="", metavar="SLUG", help="the agency to switch, by its slug")
        parser.add_argument(
            "--from",
            dest="begins",
            metavar="TIME",
            help="when it begins, such as 2026-12-01T08:00, in the site's time zone (default: now)",
        )
        parser.add_argument(
            "--until",
            dest="ends",
            metavar="TIME",
            help="when it ends, in the same form (default: until further notice)",
        )
        parser.add_argument(
            "--message",
            nargs="+",
            default=[],
            metavar="LANGUAGE=TEXT",
            help='what riders read, such as en="Back on Monday at 8"',
        )
        parser.add_argument("--by", default="", metavar="NAME", help="who sets it (default: the user of this system)")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        if action == "list":
            self._list(_held())
        elif action == "end":
            self._end(options)
        else:
            self._set(action, options)

    def _set(self, position: str, options: dict[str, Any]) -> None:
        switch = Switch(
            account=options["account"],
            agency=options["agency"],
            position=position,
            begins=_moment(options["begins"]) or now(),
            ends=_moment(options["ends"]),
            messages=_messages(options["message"]),
            set_by=(options["by"] or getpass.getuser())[:150],
        )
        try:
            switch.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        switch.save()
        self._list([switch])

    def _end(self, options: dict[str, Any]) -> None:
        moment = now()
        ended = [
            switch for switch in _held() if (switch.account, switch.agency) == (options["account"], options["agency"])
        ]
        if not ended:
            raise CommandError(
                "No switch is set for exactly this account and agency. To see all, run: "
                "manage.py enrollment_switch list"
            )
        for switch in ended:
            switch.end(moment)
        self.stdout.write(f"Ended {counted(len(ended), 'switch', 'switches')}.")

    def _list(self, switches: list[Switch]) -> None:
        for switch in switches:
            until = f"until {localtime(switch.ends):%Y-%m-%d %H:%M %Z}" if switch.ends else "until further notice"
            begins = f"{localtime(switch.begins):%Y-%m-%d %H:%M %Z}"
            self.stdout.write(f"{switch.position:<4} {switch.place:<40} from {begins} {until}, by {switch.set_by}")
        if not switches:
            self.stdout.write("No switch is set.")


def _held() -> list[Switch]:
    return list(Switch.objects.filter(Q(ends=None) | Q(ends__gt=now())).order_by("begins"))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f'"{text}" is not a time. Write it as 2026-12-01T08:00.')
    return make_aware(found) if is_naive(found) else found


def _messages(given: list[str]) -> dict[str, str]:
    found = {}
    for item in given:
        language, is_there, text = item.partition("=")
        if not is_there or language not in dict(settings.LANGUAGES):
            languages = ", ".join(dict(settings.LANGUAGES))
            raise CommandError(f'--message "{item}" must begin with a language of your site ({languages}) and "=".')
        found[language] = text
    return found
