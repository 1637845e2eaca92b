"""The bench's site on PostgreSQL, with links written down before they are sent."""

from bench.site.settings import *  # noqa: F403
from bench.site.settings import _SITE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "enrollment_errors.settling"]
DATABASES = {"default": _SITE.get("postgresql", {})}
