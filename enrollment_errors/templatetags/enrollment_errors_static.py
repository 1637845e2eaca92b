"""``{% static %}`` for a page that must come, whatever the site's storage of static files raises.

It has the place of Django's own where a page is rendered without the site (``responses``).
"""

from __future__ import annotations

import logging
from urllib.parse import urljoin

from django import template
from django.templatetags.static import PrefixNode, StaticNode

register = template.Library()
logger = logging.getLogger("enrollment_errors")


@register.simple_tag
def static(path: str) -> str:
    """The address of a static file; its plain one, under ``STATIC_URL``, where the storage knows none."""
    try:
        return str(StaticNode.handle_simple(path))
    except Exception as error:  # noqa: BLE001  whatever a storage raises, its client's errors too: the page must come
        logger.warning(
            "The storage of static files has no URL for %s (%s). Have you run collectstatic?",
            path,
            type(error).__name__,
        )
        return urljoin(str(PrefixNode.handle_simple("STATIC_URL")), path)
