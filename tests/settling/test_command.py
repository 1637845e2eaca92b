"""The sweep as a site runs it: once from cron, as a process that goes on, or as a task."""

from __future__ import annotations

import io
import json
import os
import runpy
import signal
import subprocess
import sys
import textwrap
from datetime import datetime, timezone
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from enrollment_errors.settling import models
from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.settling.sealing import unsealed

from .conftest import SILENT, SOON

ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*arguments: str, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    with time_machine.travel(datetime.now(timezone.utc) + SOON, tick=True):
        call_command("settle_enrollments", *arguments, stdout=out, stderr=out)
    return out.getvalue()


class TestOnce:
    def test_says_in_one_line_what_it_came_to(self, hangs_up):
        hangs_up()
        assert run() == "Settled: 1 linked, 0 not linked, 0 not known. To be asked again: 0.\n"
        assert run() == "Settled: 0 linked, 0 not linked, 0 not known. To be asked again: 0.\n"

    def test_says_each_on_a_terminal(self, hangs_up):
        reference = hangs_up()
        first, last = run(out=Terminal()).splitlines()
        assert first == f"{reference}  littlepay  linked"
        assert last.startswith("Settled: 1 linked")

    def test_fails_where_one_is_given_up(self, hangs_up):
        hangs_up()
        SentLink.objects.update(sealed="")
        with pytest.raises(CommandError, match="Not every enrollment"):
            run()

    def test_is_no_failure_where_one_is_asked_about_again(self, hangs_up, sandbox):
        hangs_up()
        sandbox.faults.set("groups", SILENT)
        assert "To be asked again: 1." in run()

    def test_asks_and_changes_nothing_where_it_is_a_dry_run(self, hangs_up, sandbox):
        reference = hangs_up()
        sandbox.calls.clear()
        before = list(SentLink.objects.values())
        said = run("--dry-run")
        assert said.startswith(f"{reference}  littlepay  sent ")
        assert said.endswith("Due: 1. Nothing was asked or changed.\n")
        assert list(SentLink.objects.values()) == before
        assert not sandbox.calls

    @pytest.mark.django_db(transaction=True)
    def test_fails_in_a_sentence_where_the_database_does(self, incidents):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE enrollment_settling_sentlink RENAME TO gone")
        try:
            with pytest.raises(CommandError, match=r"^The database failed \(OperationalError\)\."):
                run()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE gone RENAME TO enrollment_settling_sentlink")

    def test_wants_an_interval_above_0(self, db):
        with pytest.raises(CommandError, match="above 0"):
            run("--watch", "--interval", "0")


class TestWatching:
    @pytest.fixture(autouse=True)
    def handlers(self):
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    class Stopped(Terminal):
        """A terminal that sends the process SIGTERM after that many summaries."""

        def __init__(self, rounds: int) -> None:
            super().__init__()
            self.rounds = rounds

        def write(self, text: str) -> int:
            self.rounds -= text.startswith(("Settled", "The database"))
            if self.rounds == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(text)

    def test_goes_on_until_it_is_told_to_end(self, hangs_up):
        reference = hangs_up()
        said = run("--watch", "--interval", "0.01", out=self.Stopped(3)).splitlines()
        assert said[0] == f"{reference}  littlepay  linked"
        assert len([line for line in said if line.startswith("Settled")]) == 3

    @pytest.mark.django_db(transaction=True)
    def test_goes_on_while_the_database_fails(self, incidents):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE enrollment_settling_sentlink RENAME TO gone")
        try:
            said = run("--watch", "--interval", "0.01", out=self.Stopped(2))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE gone RENAME TO enrollment_settling_sentlink")
        assert said == "The database failed (OperationalError). The next run goes on where this one stopped.\n" * 2


class TestTheTask:
    def test_is_the_same_sweep(self, hangs_up):
        pytest.importorskip("django.tasks", reason="Django 6.0 has it")
        from enrollment_errors.settling.tasks import settle_enrollments

        hangs_up()
        with time_machine.travel(datetime.now(timezone.utc) + SOON, tick=True):
            done = settle_enrollments.enqueue()
        assert done.return_value == {"linked": 1}


def test_a_site_without_the_app_has_no_table_and_no_command() -> None:
    script = """
        from django.conf import settings
        from tests import settings as site
        settings.configure(**{name: getattr(site, name) for name in dir(site) if name.isupper()} | {
            "INSTALLED_APPS": [name for name in site.INSTALLED_APPS if not name.endswith("settling")],
        })
        import django, json
        django.setup()
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import get_commands
        from enrollment_errors.journal import Journal, get_journal
        try:
            import enrollment_errors.settling.models
        except ImproperlyConfigured as error:
            said = str(error)
        print(json.dumps([type(get_journal()) is Journal, "settle_enrollments" in get_commands(), said]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [True, False, '"enrollment_errors.settling" is not in INSTALLED_APPS']


def test_a_row_is_named_by_its_reference(hangs_up) -> None:
    reference = hangs_up()
    row = SentLink.objects.get()
    assert str(row) == reference
    assert row.state == State.OPEN
    assert unsealed(row.sealed) is not None


def test_its_models_are_not_taken_for_those_of_another_app(settings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.settling"]

    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        runpy.run_path(models.__file__)
