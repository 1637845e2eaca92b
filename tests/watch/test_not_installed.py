"""A site that has not installed the watch has none of its tables, and everything else works."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from enrollment_errors.watch import models


def test_its_models_are_not_taken_for_those_of_another_app(settings: LazySettings) -> None:
    watch = "enrollment_errors.watch"
    spec = spec_from_file_location(f"{watch}.models_again", models.__file__)
    assert spec
    assert spec.loader
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != watch]

    with pytest.raises(ImproperlyConfigured, match=f'"{watch}" is not in INSTALLED_APPS'):
        spec.loader.exec_module(module_from_spec(spec))
