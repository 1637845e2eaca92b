"""System checks: ``manage.py check`` reports mistakes in an installation before a rider meets them.

Each mistake has a stable id, and a hint that shows the fix. ``manage.py check --deploy`` reports mistakes that matter
only in production (``W1xx``).
"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage

from .. import conf
from ..exceptions import ConfigurationError
from . import configuration, deployment, site
from .messages import error


def check_installation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        settings = conf.get_settings()
    except ConfigurationError as wrong:
        return [
            *site.check(),
            error("E001", str(wrong), "docs/settings.md lists every key, with its default and its unit."),
        ]
    return [*site.check(), *configuration.check(settings)]


def check_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        settings = conf.get_settings()
    except ConfigurationError:
        return []  # check_installation reports it
    return [*deployment.check(settings)]
