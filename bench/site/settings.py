from __future__ import annotations

import json
import os
from typing import Any

import sentry_sdk

_SITE: dict[str, Any] = json.loads(os.environ.get("BENCH_SITE", "{}"))
PROCESSOR_URL = _SITE.get("processor_url", "")


class _Nowhere(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope: Any) -> None:
        """Drops it, because sending is not measured."""


if _SITE.get("sentry"):
    sentry_sdk.init(dsn="https://key@sentry.invalid/1", transport=_Nowhere, release="bench")  # its other defaults apply

SECRET_KEY = "a bench's only: " + "x" * 40
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "bench.site.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "enrollment_errors",
    "enrollment_errors.incidents",
    "enrollment_errors.watch",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/static/"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _SITE.get("database", ":memory:")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": _SITE.get("cache", {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"})}

ENROLLMENT_ERRORS = {
    "ADAPTER": "bench.site.adapter.EverybodyMayEnroll",
    "ACCOUNTS": {
        "sandbox": {
            "CLASS": "enrollment_errors.processors.littlepay.LittlepayProcessor",
            "OPTIONS": {
                "BASE_URL": PROCESSOR_URL,
                "CLIENT_ID": "sandbox-client-id",
                "CLIENT_SECRET": "sandbox-client-secret",
                "AUDIENCE": "sandbox-audience",
                "CARD_FORM_URL": PROCESSOR_URL,
            },
        }
    },
    **_SITE.get("limits", {}),
}
