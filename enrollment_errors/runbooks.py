"""The address of the site's own instructions for a code."""

from __future__ import annotations

from . import conf
from .exceptions import ConfigurationError


def runbook_url(code: str) -> str:
    """The address for ``code``, a code of the catalogue, of the doctor or of the site's own rules. It is empty if the
    site has no instructions, or its settings cannot be read."""
    try:
        urls = conf.get_settings().RUNBOOK_URLS
    except ConfigurationError:
        return ""
    return urls.get(code, urls.get("*", "")).replace("{code}", code)
