from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from enrollment_errors.conf import Settings

_SITE: dict[str, Any] = json.loads(os.environ["MODEL_SITE"])
JOURNAL = _SITE["journal"]

SECRET_KEY = "a model's only: " + "x" * 40
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "America/Los_Angeles"
ROOT_URLCONF = "tests.model.site.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "enrollment_errors",
]
MIDDLEWARE = [
    "tests.model.site.journal.tell_who_serves",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
    }
]
STATIC_URL = "/static/"
SESSION_ENGINE = f"django.contrib.sessions.backends.{_SITE['sessions']}"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _SITE["database"],
        "OPTIONS": {"timeout": 1, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": _SITE["cache"]}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"journal": {"class": "tests.model.site.journal.EndsInTheJournal"}},
    "loggers": {"enrollment_errors": {"handlers": ["journal"], "level": "INFO"}},
}

_OPTIONS = {
    "BASE_URL": _SITE["processor_url"],
    "CLIENT_ID": "sandbox-client-id",
    "CLIENT_SECRET": "sandbox-client-secret",
    "AUDIENCE": "sandbox-audience",
    "CARD_FORM_URL": _SITE["processor_url"],
}
_KNOWN = {field.name for field in fields(Settings)}

ENROLLMENT_ERRORS = {
    "ADAPTER": "tests.model.site.adapter.BenefitsHost",
    "ACCOUNTS": {
        "card form": {"CLASS": "enrollment_errors.processors.littlepay.LittlepayProcessor", "OPTIONS": _OPTIONS},
        "gateway": {"CLASS": "tests.model.site.processor.GatewayProcessor", "OPTIONS": _OPTIONS},
    },
    "BASE_TEMPLATE": "model/base.html",
    "ALLOWED_REDIRECT_HOSTS": ["gateway.example"],
    **{name: value for name, value in _SITE["limits"].items() if name in _KNOWN},
}
