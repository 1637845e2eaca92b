"""Checks what this app needs from Django's own settings."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils.module_loading import import_string

from ..languages import without_our_words
from ..pages import PAGES
from .lookups import DUMMY, cache_backend, enroll_path, loaded
from .messages import Messages, error, warning

_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
_LOCALE = "django.middleware.locale.LocaleMiddleware"
_CSRF = "django.middleware.csrf.CsrfViewMiddleware"
MOST_NAMED = 5
"""How many languages a warning names: a site that sets no LANGUAGES has all that Django knows."""


def check() -> Messages:
    yield from _middleware()
    yield from _languages()
    yield from _sessions()
    yield from _time_zone()
    yield from _templates()
    yield from _urls()
    yield from _static_files()


def _middleware() -> Messages:
    if not _is_installed(_SESSIONS):
        yield error(
            "E003",
            "The session middleware is missing, so riders have no sessions.",
            f'Add "{_SESSIONS}" to MIDDLEWARE.',
        )
    if settings.USE_I18N and len(settings.LANGUAGES) > 1 and not _is_installed(_LOCALE):
        yield warning(
            "W001",
            f'Every rider gets the pages in "{settings.LANGUAGE_CODE}", whatever their browser asks for.',
            f'Add "{_LOCALE}" to MIDDLEWARE, after the session middleware.',
        )
    if not _is_installed(_CSRF):
        yield warning(
            "W002",
            "Your site's own pages are open to forged requests, because this app protects only its own.",
            f'Add "{_CSRF}" to MIDDLEWARE.',
        )


def _languages() -> Messages:
    missing = without_our_words()
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        yield warning(
            "W013",
            f"The pages are in English for riders whose browser asks for {', '.join(missing[:MOST_NAMED])}{more}.",
            "Remove the language from LANGUAGES, or put a catalog of your own into a folder in LOCALE_PATHS.",
        )


def _is_installed(middleware: str) -> bool:
    wanted = import_string(middleware)
    found = (import_string(name) for name in settings.MIDDLEWARE)
    return any(isinstance(each, type) and issubclass(each, wanted) for each in found)


def _sessions() -> Messages:
    engine = settings.SESSION_ENGINE.rpartition(".")[2]
    if engine in ("db", "cached_db") and not apps.is_installed("django.contrib.sessions"):
        yield error(
            "E004",
            "Sessions are stored in the database, but the app with their table is not installed.",
            'Add "django.contrib.sessions" to INSTALLED_APPS and run "manage.py migrate".',
        )
    if engine == "cache" and cache_backend(settings.SESSION_CACHE_ALIAS) == DUMMY:
        yield error(
            "E004",
            f'Sessions are stored in the cache "{settings.SESSION_CACHE_ALIAS}", which stores nothing.',
            'Give it another BACKEND, or set SESSION_ENGINE = "django.contrib.sessions.backends.db".',
        )


def _time_zone() -> Messages:
    if not settings.USE_TZ:
        yield error("E005", "USE_TZ is off, so a benefit's expiry has no time zone.", "Set USE_TZ = True.")


def _templates() -> Messages:
    names = [f"enrollment_errors/{page.name}.html" for page in PAGES.values()]
    broken = [name for name in names if isinstance(loaded(name), str)]
    if broken:
        yield error(
            "E007",
            "Riders cannot get their pages, because templates cannot be loaded "
            f"({', '.join(broken)}): {loaded(broken[0])}",
            'Set "APP_DIRS": True for the engine django.template.backends.django.DjangoTemplates in TEMPLATES, or add '
            'the loader "django.template.loaders.app_directories.Loader" to its loaders.',
        )


def _urls() -> Messages:
    if enroll_path() is None:
        yield warning(
            "W003",
            "No URL leads to the enrollment pages.",
            'Add path("enrollment/", include("enrollment_errors.urls")) to the urlpatterns of ROOT_URLCONF.',
        )


def _static_files() -> Messages:
    if not settings.STATIC_URL:
        yield error(
            "E009",
            "STATIC_URL is not set, so the pages cannot load their style sheet and script.",
            'Set STATIC_URL = "static/".',
        )
    elif not apps.is_installed("django.contrib.staticfiles") or not finders.find("enrollment_errors/enrollment.js"):
        yield warning(
            "W004",
            "The pages' style sheet and script are not found, so riders cannot open the card form.",
            'Add "django.contrib.staticfiles" to INSTALLED_APPS, keep AppDirectoriesFinder in STATICFILES_FINDERS, and '
            'run "manage.py collectstatic" where you deploy.',
        )
