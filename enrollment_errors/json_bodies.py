"""Reading what a page's script sends."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError


def json_object(request: HttpRequest) -> dict[str, Any] | None:
    """``None`` where the body is anything else: no JSON, too large, nested too deep, or cut off on its way."""
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError, SuspiciousOperation, UnreadablePostError):
        return None
    return found if isinstance(found, dict) else None
