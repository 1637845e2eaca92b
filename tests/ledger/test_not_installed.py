"""A site that has not installed the ledger has none of its tables, and everything else works."""

from __future__ import annotations

import runpy

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from enrollment_errors import conf
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.ledger import models

LEDGER = "enrollment_errors.ledger"


@pytest.fixture(autouse=True)
def without_it(settings: LazySettings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != LEDGER]


def test_its_models_are_not_taken_for_those_of_another_app() -> None:
    with pytest.raises(ImproperlyConfigured, match=f'"{LEDGER}" is not in INSTALLED_APPS'):
        runpy.run_path(models.__file__)


def test_nobody_hears_in_its_place(settings: LazySettings) -> None:
    settings.ENROLLMENT_ERRORS = {key: value for key, value in settings.ENROLLMENT_ERRORS.items() if key != "SINKS"}

    assert conf.INCIDENT_SINK in conf.get_settings().SINKS
    assert conf.LEDGER_SINK not in conf.get_settings().SINKS


@pytest.mark.django_db
def test_pruning_does_not_miss_it(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prune_enrollments")

    said = capsys.readouterr().out
    assert "incidents" in said
    assert "ledger" not in said


@pytest.mark.parametrize("days", [0, -1, "7", True])
def test_to_keep_it_for_no_time_at_all_is_a_mistake(settings: LazySettings, days: object) -> None:
    settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "LEDGER_KEPT_DAYS": days}

    with pytest.raises(ConfigurationError, match=r"LEDGER_KEPT_DAYS.*whole number"):
        conf.get_settings()
