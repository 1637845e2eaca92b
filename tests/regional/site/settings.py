from __future__ import annotations

import json
import os
from typing import Any

_SITE: dict[str, Any] = json.loads(os.environ["REGIONAL_SITE"])
VAULT = _SITE["vault"]

SECRET_KEY = "a region's only: " + "x" * 40
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "America/Los_Angeles"
LANGUAGE_CODE = "en"
ROOT_URLCONF = "tests.regional.site.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "tests.regional.site",
    "tests.inline",
    "enrollment_errors",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/static/"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _SITE["database"], "OPTIONS": {"timeout": 10}},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"told": {"class": "logging.FileHandler", "filename": _SITE["log"], "formatter": "plain"}},
    "loggers": {"enrollment_errors": {"handlers": ["told"], "level": "INFO"}},
}

ENROLLMENT_ERRORS = {
    "ADAPTER": "tests.regional.site.adapter.RegionalAdapter",
    "ACCOUNTS": "tests.regional.site.accounts.RegionalAccounts",
    "ALLOWED_REDIRECT_HOSTS": _SITE["redirect_hosts"],
    "BUDGET": 4.0,
    "CONNECT_TIMEOUT": 1.0,
    "READ_TIMEOUT": 1.5,
    "BREAKER_FAILURES": 100,
    "LINK_QUIET_TIME": 4.0,
}
