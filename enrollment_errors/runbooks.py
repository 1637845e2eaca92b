"""Where the site's own instructions for a code are."""

from __future__ import annotations

from . import conf
from .exceptions import ConfigurationError


def runbook_url(code: str) -> str:
    """Empty where the site has none, or its settings cannot be read. ``code`` is one of the catalogue, of the doctor or
    of the site's own rules."""
    try:
        urls = conf.get_settings().RUNBOOK_URLS
    except ConfigurationError:
        return ""
    return urls.get(code, urls.get("*", "")).replace("{code}", code)
