"""The bench's site on PostgreSQL, with links written down before they are sent, and with a ledger of what succeeded."""

from bench.site.settings import *  # noqa: F403
from bench.site.settings import _SITE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "enrollment_errors.settling", "enrollment_errors.ledger"]
DATABASES = {"default": _SITE.get("postgresql", {})}
