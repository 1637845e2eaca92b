"""The in-person pages inside Django's admin: its header, user tools, sidebar and breadcrumbs, light and dark."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin import site as default_site
from django.http import HttpRequest
from django.utils.translation import gettext

BASE_TEMPLATE = "enrollment_errors/in_person/in_admin.html"


def admin_frame(request: HttpRequest, site: AdminSite = default_site) -> dict[str, Any]:
    """What an adapter's ``get_page_context`` returns for pages that shall stand in the frame of the admin ``site``."""
    request.current_app = site.name  # as the admin's own views say which admin it is
    context = site.each_context(request)
    return {
        **context,
        # Without anything to choose, it would tell counter staff that they may do nothing.
        "is_nav_sidebar_enabled": context["is_nav_sidebar_enabled"] and bool(context["available_apps"]),
        "base_template": BASE_TEMPLATE,
        "is_in_admin": True,
        "title": gettext("In-person enrollment"),
    }
