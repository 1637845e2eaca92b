"""For the admin of what happened: nobody, not even a superuser, adds to it, changes it or deletes it there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """Before ``ModelAdmin`` among the bases."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
