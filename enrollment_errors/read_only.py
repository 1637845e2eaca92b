"""Makes records read-only in the admin: nobody, not even a superuser, can add, change or delete them there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """List it before ``ModelAdmin`` in the bases."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
