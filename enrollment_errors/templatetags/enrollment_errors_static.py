"""``{% static %}`` for a page that must come, whatever the site's storage of static files raises.

It has the place of Django's own where a page is rendered without the site (``responses``).
"""

from __future__ import annotations

from urllib.parse import urljoin

from django import template
from django.templatetags.static import PrefixNode, StaticNode

register = template.Library()


@register.simple_tag
def static(path: str) -> str:
    """The address of a static file; its plain one, under ``STATIC_URL``, where the storage knows none."""
    try:
        return str(StaticNode.handle_simple(path))
    except Exception:  # noqa: BLE001  the page's first rendering has failed by it, and told of it
        return urljoin(str(PrefixNode.handle_simple("STATIC_URL")), path)
