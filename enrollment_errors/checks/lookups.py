"""Lookups that several checks share: a template, a cache's back end, the path of our pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.backends.django import Template
from django.template.loader import get_template
from django.urls import URLResolver, get_resolver

from .. import conf
from ..in_person import APP_NAME
from ..processors.account import SettingsAccounts

DUMMY = "django.core.cache.backends.dummy.DummyCache"


def loaded(name: str) -> Template | str:
    """The template, or why it cannot be loaded, to end a sentence with."""
    try:
        template = get_template(name)
    except TemplateDoesNotExist:
        return "there is no template with this name."
    except (TemplateSyntaxError, ImproperlyConfigured) as error:
        return _ended(str(error))
    return template if isinstance(template, Template) else "it is not for Django's own template engine."


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def cache_backend(alias: str) -> str:
    return str(django_settings.CACHES.get(alias, {}).get("BACKEND", ""))


def cache_options(alias: str) -> set[str]:
    """The names of the cache's options."""
    options: Any = django_settings.CACHES.get(alias, {}).get("OPTIONS", {})
    return set(options)


def enroll_path() -> str | None:
    """The path of the first inclusion of our URLs, from the root, without values for its prefix's parameters."""

    def search(patterns: Sequence[Any], prefix: str) -> str | None:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                path = f"{prefix}{pattern.pattern}"
                is_ours = pattern.app_name in ("enrollment_errors", APP_NAME)
                found = path if is_ours else search(pattern.url_patterns, path)
                if found is not None:
                    return found
        return None

    return search(get_resolver().url_patterns, "/")


def has_settings_accounts(settings: conf.Settings) -> bool:
    """Whether the accounts are in the settings. If they are elsewhere, such as in a database, the checks that run
    before every command leave them alone: the database may not exist yet."""
    return isinstance(settings.ACCOUNTS, SettingsAccounts)
