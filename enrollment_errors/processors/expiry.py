"""A link's expiry in the processors' format: written in UTC, whole seconds, ``Z``; read with or without an offset."""

from __future__ import annotations

from datetime import datetime, timezone

from django.utils.dateparse import parse_datetime

from ..exceptions import ReplyIncomplete

_EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(9999, 1, 1, tzinfo=timezone.utc)
"""An expiry beyond these means "never set" or "never": Python cannot calculate near the ends of its calendar."""


def format_expiry(expires_at: datetime) -> str:
    """``expires_at`` is aware: ``2027-01-31T08:00:00Z``."""
    return expires_at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_expiry(value: object) -> datetime | None:
    """Aware; UTC if no offset is given. ``None`` for ``None`` and ``""``. Raises ``ReplyIncomplete``."""
    if value is None or value == "":
        return None
    try:
        parsed = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise ReplyIncomplete("an expiry that is not a date and time")
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
    return min(max(aware, _EARLIEST), _LATEST)
