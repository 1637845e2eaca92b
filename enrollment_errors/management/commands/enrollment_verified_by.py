"""Show which staff member an id in ``verified_by`` belongs to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...staff import username_of


class Command(BaseCommand):
    help = "Prints the username of the staff member whose id an incident or event shows as verified_by."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the value of verified_by: 32 digits and letters")

    def handle(self, *args: Any, **options: Any) -> None:
        username = username_of(options["id"])
        if username is None:
            raise CommandError(
                "No user has this id. Check that you have copied all of it. If you have, the user was deleted, the "
                "SECRET_KEY of that time is not in SECRET_KEY_FALLBACKS, or Adapter.get_staff_member names staff who "
                "are not Django users."
            )
        self.stdout.write(username)
