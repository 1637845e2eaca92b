"""Settings for the tests: the smallest site that can enroll a rider."""

from pathlib import Path

SECRET_KEY = "tests-only-" + "x" * 40
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "America/Los_Angeles"
ROOT_URLCONF = "tests.urls"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
STATIC_URL = "/static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "enrollment_errors",
    "enrollment_errors.accounts",
    "enrollment_errors.incidents",
    "enrollment_errors.ledger",
    "enrollment_errors.settling",
    "enrollment_errors.watch",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
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
STATICFILES_DIRS = [Path(__file__).parent / "inline" / "static"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ENROLLMENT_ERRORS = {
    "ADAPTER": "tests.site.TestAdapter",
    # Those that need no database: a test that keeps incidents sets this itself.
    "SINKS": [
        "enrollment_errors.reporting.log.LogSink",
        "enrollment_errors.reporting.sentry.SentrySink",
        "enrollment_errors.reporting.amplitude.AmplitudeSink",
        "enrollment_errors.reporting.signals.SignalSink",
    ],
    "ACCOUNTS": {
        "littlepay": {
            "CLASS": "enrollment_errors.processors.littlepay.LittlepayProcessor",
            "OPTIONS": {
                "BASE_URL": "https://processor.test",
                "CLIENT_ID": "tests-client-id",
                "CLIENT_SECRET": "tests-client-secret",
                "AUDIENCE": "https://processor.test",
                "CARD_FORM_URL": "https://verify.processor.test",
            },
        }
    },
}
