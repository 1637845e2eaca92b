"""The bench's site on PostgreSQL. It writes links down before it sends them, and keeps a ledger of successes."""

from bench.site.settings import *  # noqa: F403
from bench.site.settings import _SITE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "enrollment_errors.settling", "enrollment_errors.ledger"]
DATABASES = {"default": _SITE.get("postgresql", {})}
