"""A cache for the app alone while a test runs, so that the site's own may be the one of its production settings.

Emptying the site's cache would end its sessions. Leaving what tests put there would be no better: a server of the site
that shares the cache would take the fake's access token for the processor's.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import caches

ALIAS = "enrollment_errors_testing"


def add_private_cache(settings: Any) -> str:
    """Adds it to ``CACHES``, empty, through pytest-django's fixture ``settings``. Returns its alias."""
    settings.CACHES = {
        **settings.CACHES,
        ALIAS: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": ALIAS},
    }
    caches[ALIAS].clear()  # what the test before has left; nothing else is ever in there
    return ALIAS
