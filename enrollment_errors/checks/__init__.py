"""What is wrong with an installation, told by ``manage.py check`` before a rider meets it.

Each mistake has an id that stays, and a hint that shows the fix. What is a mistake in production only (``W1xx``) is
told by ``manage.py check --deploy``.
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
            error("E001", str(wrong), "docs/settings.md has every key, with its default and its unit."),
        ]
    return [*site.check(), *configuration.check(settings)]


def check_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        settings = conf.get_settings()
    except ConfigurationError:
        return []  # check_installation tells of it
    return [*deployment.check(settings)]
