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
        yield error("E003", "There are no sessions.", f'Add "{_SESSIONS}" to MIDDLEWARE.')
    if settings.USE_I18N and len(settings.LANGUAGES) > 1 and not _is_installed(_LOCALE):
        yield warning(
            "W001",
            f'Every rider gets the pages in "{settings.LANGUAGE_CODE}", whatever their browser asks for.',
            f'Add "{_LOCALE}" to MIDDLEWARE, after the sessions.',
        )
    if not _is_installed(_CSRF):
        yield warning(
            "W002",
            "The site's own pages are open to forged requests: this app checks its own alone.",
            f'Add "{_CSRF}" to MIDDLEWARE.',
        )


def _languages() -> Messages:
    missing = without_our_words()
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        yield warning(
            "W013",
            f"The pages are in English for riders whose browser asks for {', '.join(missing[:MOST_NAMED])}{more}.",
            "Take the language out of LANGUAGES, or put a catalog of your own into a folder of LOCALE_PATHS.",
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
            "Sessions are kept in a table that does not exist.",
            'Add "django.contrib.sessions" to INSTALLED_APPS and run "manage.py migrate".',
        )
    if engine == "cache" and cache_backend(settings.SESSION_CACHE_ALIAS) == DUMMY:
        yield error(
            "E004",
            f'Sessions are kept in the cache "{settings.SESSION_CACHE_ALIAS}", which keeps nothing.',
            'Give it another BACKEND, or set SESSION_ENGINE = "django.contrib.sessions.backends.db".',
        )


def _time_zone() -> Messages:
    if not settings.USE_TZ:
        yield error("E005", "A benefit's expiry has no time zone.", "Set USE_TZ = True.")


def _templates() -> Messages:
    names = [f"enrollment_errors/{page.name}.html" for page in PAGES.values()]
    broken = [name for name in names if isinstance(loaded(name), str)]
    if broken:
        yield error(
            "E007",
            f"{', '.join(broken)}: {loaded(broken[0])}",
            'Set "APP_DIRS": True for the engine django.template.backends.django.DjangoTemplates in TEMPLATES, or put '
            'the loader "django.template.loaders.app_directories.Loader" among its loaders.',
        )


def _urls() -> Messages:
    if enroll_path() is None:
        yield warning(
            "W003",
            "No address leads to the enrollment.",
            'Add path("enrollment/", include("enrollment_errors.urls")) to the urlpatterns of ROOT_URLCONF.',
        )


def _static_files() -> Messages:
    if not settings.STATIC_URL:
        yield error("E009", "The pages cannot name their style sheet and script.", 'Set STATIC_URL = "static/".')
    elif not apps.is_installed("django.contrib.staticfiles") or not finders.find("enrollment_errors/enrollment.js"):
        yield warning(
            "W004",
            "The pages' style sheet and script are not found: riders cannot open the card form.",
            'Add "django.contrib.staticfiles" to INSTALLED_APPS, keep AppDirectoriesFinder in STATICFILES_FINDERS, and '
            'run "manage.py collectstatic" where you deploy.',
        )
