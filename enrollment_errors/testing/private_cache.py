"""A separate cache for the app while a test runs, so tests can run with the site's production cache.

Emptying the site's cache would end its sessions. Leaving test data there would be no better: a server of the site that
shares the cache would take the fake's access token for the processor's.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import caches

ALIAS = "enrollment_errors_testing"


def add_private_cache(settings: Any) -> str:
    """Adds the empty cache to ``CACHES`` through pytest-django's fixture ``settings``. Returns its alias."""
    settings.CACHES = {
        **settings.CACHES,
        ALIAS: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": ALIAS},
    }
    caches[ALIAS].clear()  # it only ever holds what the previous test has left
    return ALIAS
