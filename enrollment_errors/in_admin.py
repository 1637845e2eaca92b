"""The in-person pages inside Django's admin: its header, user tools, sidebar and breadcrumbs, light and dark."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin import site as default_site
from django.http import HttpRequest
from django.utils.translation import pgettext

BASE_TEMPLATE = "enrollment_errors/in_person/in_admin.html"


def admin_frame(request: HttpRequest, site: AdminSite = default_site) -> dict[str, Any]:
    """Return this from an adapter's ``get_page_context`` to show pages in the frame of the admin ``site``."""
    request.current_app = site.name  # the admin's own views set it too, to tell which admin it is
    context = site.each_context(request)
    return {
        **context,
        # An empty sidebar would tell counter staff that they have no permissions.
        "is_nav_sidebar_enabled": context["is_nav_sidebar_enabled"] and bool(context["available_apps"]),
        "base_template": BASE_TEMPLATE,
        "is_in_admin": True,
        "title": pgettext("enrollment", "In-person enrollment"),
    }
