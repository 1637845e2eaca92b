"""Settings of a small transit-benefit site. What differs from one deployment to the next comes from the environment."""

from os import environ
from pathlib import Path

import sentry_sdk

from enrollment_errors.adapter import Agency
from enrollment_errors.redaction import scrub_event

FOLDER = Path(__file__).resolve().parent.parent

SECRET_KEY = environ.get("SECRET_KEY", "an example keeps no secrets, a site does")
DEBUG = environ.get("DEBUG") == "1"
ALLOWED_HOSTS = environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")
RELEASE = environ.get("RELEASE", "development")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "example",  # before enrollment_errors, so that this site's own templates come first
    "enrollment_errors",
    "enrollment_errors.accounts",
    "enrollment_errors.incidents",
    "enrollment_errors.ledger",
    "enrollment_errors.settling",
    "enrollment_errors.watch",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": environ.get("DATABASE", str(FOLDER / "db.sqlite3")),
        # SQLite lets a second writer wait only if its transaction begins as one that writes.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Enough for one process. Several processes need a shared cache, such as Redis.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_CODE = "en"
TIME_ZONE = "America/Los_Angeles"
STATIC_URL = "/static/"
SESSION_COOKIE_AGE = 60 * 60
LOGIN_URL = "staff-sign-in"  # riders sign in with the identity provider
LOGIN_REDIRECT_URL = "staff"

IDENTITY_PROVIDER = {
    "NAME": "Example ID",
    "SIGN_IN_URL": environ.get("IDENTITY_PROVIDER_SIGN_IN_URL", "https://id.example/sign-in"),
    "SIGN_OUT_URL": environ.get("IDENTITY_PROVIDER_SIGN_OUT_URL", "https://id.example/sign-out"),
    "KEY": environ.get("IDENTITY_PROVIDER_KEY", "shared with Example ID"),
}

ENROLLMENT_ERRORS = {
    "ADAPTER": "example.adapter.ExampleAdapter",
    # Operators add an agency's account in the admin and enter the name of its secret, which is in the environment.
    "ACCOUNTS": "enrollment_errors.accounts.provider.DatabaseAccounts",
    # For processors with a site of their own, where riders enter their card.
    "ALLOWED_REDIRECT_HOSTS": [host for host in environ.get("REDIRECT_HOSTS", "").split(",") if host],
    "BASE_TEMPLATE": "example/base.html",
    # For pages that cannot know the rider's agency, because the session is gone.
    "FALLBACK_AGENCY": Agency(slug="example", name="Example Transit Benefits", home_url="/", phone="(555) 010-0100"),
    "AMPLITUDE_API_KEY": environ.get("AMPLITUDE_API_KEY", ""),
    "AMPLITUDE_SERVER_URL": environ.get("AMPLITUDE_SERVER_URL", ""),
    "RELEASE": RELEASE,
    "SENTRY_EVENT_URL": environ.get("SENTRY_EVENT_URL", ""),
}

sentry_sdk.init(dsn=environ.get("SENTRY_DSN", ""), release=RELEASE, before_send=scrub_event)
