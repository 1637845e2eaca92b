"""Adds the rows that agency staff would enter, from JSON on standard input: ``python -m tests.regional.site.fill``."""

from __future__ import annotations

import json
import sys

import django
from django.apps import apps
from django.core.management import call_command


def fill() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    for name, rows in json.load(sys.stdin).items():
        model = apps.get_model("site", name)
        for row in rows:
            if "agency" in row:
                row["agency"] = apps.get_model("site", "agency").objects.get(slug=row["agency"])
            model.objects.create(**row)


if __name__ == "__main__":
    django.setup()
    fill()
