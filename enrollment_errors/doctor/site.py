"""Probes this site's own setup: cache, database, templates, catalogs, and whether it can reach Sentry and Amplitude."""

from __future__ import annotations

import uuid
from datetime import timedelta

import requests
import sentry_sdk
from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import Error as DatabaseFailed
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.utils.timezone import now
from sentry_sdk.utils import Dsn

from .. import conf
from ..languages import without_our_words
from ..pages import PAGES
from ..reporting.amplitude_sender import DEFAULT_URL
from .diagnoses import Trouble
from .fetching import fetch

_GRACE = timedelta(days=2)


def cache() -> str:
    alias = conf.get_settings().CACHE
    key, value = f"enrollment_errors.doctor.{uuid.uuid4().hex}", uuid.uuid4().hex
    try:
        backend = caches[alias]
        backend.set(key, value, 30)
        kept = backend.get(key) == value
        backend.delete(key)
    except ModuleNotFoundError as error:
        raise _missing(alias, error) from error
    except InvalidCacheBackendError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            raise _missing(alias, error.__cause__) from error
        raise Trouble("cache_missing", alias) from error
    except Exception as error:  # a cache's client library may raise anything
        raise Trouble("cache_down", f"{alias}: {type(error).__name__}") from error
    kind = f"{alias}: {type(backend).__name__}"
    if not kept and not isinstance(backend, DummyCache):
        raise Trouble("cache_down", kind)
    if isinstance(backend, (DummyCache, LocMemCache)):
        raise Trouble("cache_not_shared", kind)
    return kind


def _missing(alias: str, error: ModuleNotFoundError) -> Trouble:
    package = str(error.name).partition(".")[0].replace("_", "-")
    return Trouble("package_missing", f"{alias}: pip install {package}")


def incidents() -> str:
    settings = conf.get_settings()
    if conf.INCIDENT_SINK not in settings.SINKS:
        return "not kept: enrollment_errors.incidents is not among INSTALLED_APPS and SINKS"
    kept = timedelta(days=settings.INCIDENTS_KEPT_DAYS)
    try:
        is_old = (
            apps.get_model("enrollment_incidents", "Incident").objects.filter(at__lt=now() - kept - _GRACE).exists()
        )
    except DatabaseFailed as error:
        raise Trouble("incidents_unreadable", type(error).__name__) from error
    if is_old:
        raise Trouble("not_pruned", f"to be kept for {kept.days} days")
    return "the tables are there"


def templates() -> str:
    for page in PAGES.values():
        name = f"enrollment_errors/{page.name}.html"
        try:
            get_template(name)
        except (TemplateDoesNotExist, TemplateSyntaxError) as error:
            raise Trouble("template_missing", f"{name}: {type(error).__name__}") from error
    return f"{len(PAGES)} pages"


def catalogs() -> str:
    missing = without_our_words()
    if missing:
        raise Trouble("catalog_missing", ", ".join(missing))
    return ", ".join(language for language, _ in django_settings.LANGUAGES)


def sentry() -> str:
    """Sends an envelope without items: Sentry checks the DSN and keeps nothing."""
    dsn = sentry_sdk.get_client().dsn
    if not dsn:
        raise Trouble("sentry_not_set_up")
    auth = Dsn(dsn).to_auth("django-enrollment-errors")
    try:
        answer = fetch("POST", auth.get_api_url(), data=b"{}\n", headers={"X-Sentry-Auth": auth.to_header()})
    except requests.RequestException as error:
        raise Trouble("sentry_unreachable", f"{auth.host}: {type(error).__name__}") from error
    if answer.status_code in (401, 403, 404):
        raise Trouble("sentry_refused", f"{auth.host}: status {answer.status_code}")
    if answer.status_code >= 500:
        raise Trouble("sentry_unreachable", f"{auth.host}: status {answer.status_code}")
    return auth.host


def amplitude() -> str:
    """Sends a batch without events."""
    settings = conf.get_settings()
    if not settings.AMPLITUDE_API_KEY:
        raise Trouble("amplitude_not_set_up")
    url = settings.AMPLITUDE_SERVER_URL or DEFAULT_URL
    try:
        answer = fetch("POST", url, json={"api_key": settings.AMPLITUDE_API_KEY, "events": []})
    except requests.RequestException as error:
        raise Trouble("amplitude_unreachable", f"{url}: {type(error).__name__}") from error
    if answer.status_code >= 500:
        raise Trouble("amplitude_unreachable", f"{url}: status {answer.status_code}")
    if "api key" in answer.text.lower():
        raise Trouble("amplitude_refused", f"{url}: status {answer.status_code}")
    return url
