"""A site that has not installed the incidents app has no tables of ours, and everything else works."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from enrollment_errors import conf
from enrollment_errors.incidents import models
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import io, json, sys
from django.conf import settings
from tests import settings as site
given = json.loads(sys.argv[1])
ours = dict(site.ENROLLMENT_ERRORS)
del ours["SINKS"]
ours["ACCOUNTS"]["littlepay"]["OPTIONS"] |= given["options"]
settings.configure(**{name: getattr(site, name) for name in dir(site) if name.isupper()} | {
    "INSTALLED_APPS": [name for name in site.INSTALLED_APPS if not name.startswith("enrollment_errors.")],
    "ENROLLMENT_ERRORS": ours,
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": given["database"]}},
})
import django
django.setup()
from django.core.management import call_command

def say(said):
    print(json.dumps(said), flush=True)

def output_of(*command):
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=out)
    return out.getvalue()
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a script in such a site and returns what it says."""

    def run(script: str, **options: str) -> Any:
        given = json.dumps({"database": str(tmp_path / "db.sqlite3"), "options": options})
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(script), given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.ci_only
def test_it_has_no_table_of_ours_and_needs_no_migration(run: Any) -> None:
    said = run(
        """
        from django.db import connection
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
        call_command("migrate", verbosity=0)
        say([name for name in connection.introspection.table_names() if "enroll" in name])
        """
    )

    assert said == []


@pytest.mark.ci_only
def test_its_riders_enroll_and_its_operators_hear(run: Any, sandbox: SandboxServer) -> None:
    sandbox.faults.set("link", Fault(kind="status", status=503))

    said = run(
        """
        import logging
        told = []
        logging.getLogger("enrollment_errors").addFilter(lambda record: told.append(record.getMessage()) or True)
        logging.getLogger("enrollment_errors").setLevel("INFO")
        from tests.rider import Rider
        from enrollment_errors.circuits import circuits
        end = Rider().becomes_eligible().enrolls()
        say({"status": end.status, "told": told, "circuits": [circuit.phase.value for circuit in circuits()]})
        """,
        **sandbox.account()["OPTIONS"],
    )

    assert (said["status"], said["circuits"]) == (503, ["closed"])
    assert len(said["told"]) == 1
    assert "returned enrollment: system_error, processor_error" in said["told"][0]


@pytest.mark.ci_only
def test_the_checks_and_the_doctor_miss_nothing(run: Any) -> None:
    said = run(
        """
        from enrollment_errors import conf
        from enrollment_errors.doctor import site
        say({"check": output_of("check"), "doctor": site.incidents(), "sinks": conf.get_settings().SINKS})
        """
    )

    assert "no issues" in said["check"]
    assert said["doctor"].startswith("not kept")
    assert said["sinks"] == [path for path in conf.DEFAULT_SINKS if path not in (conf.INCIDENT_SINK, conf.LEDGER_SINK)]


@pytest.mark.ci_only
def test_its_admin_has_no_pages_of_them_and_the_permission_of_counter_staff(run: Any) -> None:
    said = run(
        """
        from django.contrib import admin
        from django.contrib.auth.models import Permission
        call_command("migrate", verbosity=0)
        ours = Permission.objects.filter(content_type__app_label__startswith="enrollment")
        say({
            "pages": [model._meta.label for model in admin.site._registry if "enroll" in model._meta.label],
            "permissions": [f"{one.content_type.app_label}.{one.codename}" for one in ours],
        })
        """
    )

    assert said == {"pages": [], "permissions": ["enrollment_errors.enroll_in_person"]}


def test_its_models_are_not_taken_for_those_of_another_app(settings: LazySettings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "enrollment_errors.incidents"]

    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        runpy.run_path(models.__file__)


@pytest.mark.ci_only
def test_a_sink_that_needs_the_app_is_told_by_the_checks(run: Any) -> None:
    said = run(
        """
        from django.core.management.base import SystemCheckError
        from enrollment_errors import conf
        ours["SINKS"] = list(conf.DEFAULT_SINKS)
        try:
            output_of("check")
        except SystemCheckError as error:
            say(str(error))
        """
    )

    assert "IncidentSink" in said
    assert "cannot be imported" in said
    assert "INSTALLED_APPS" in said
