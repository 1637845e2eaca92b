"""Cookies of our own, each a small JSON object that is encrypted for its name.

A cookie that cannot be read counts as missing: it may come from a forger, or from before the site's secret key changed.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from .encryption import decrypt, encrypt

LONGEST_COOKIE = 3_000
"""The maximum in characters. Servers refuse a request if all its cookies together exceed about 8,000."""

logger = logging.getLogger("enrollment_errors")


class EncryptedCookies:
    """The cookies that ``request`` brought. Changes do not show here: ``write_to`` adds them to the response.

    The browser sends them to addresses under ``path`` only. If there may be several cookies of one ``name``, such as
    one for each lost link, a ``reference`` tells them apart, and the browser's name for them ends with it.
    """

    def __init__(self, request: HttpRequest, path: str) -> None:
        self._request = request
        self._path = path
        self._changes: dict[str, tuple[str, int] | None] = {}

    def get(self, name: str, reference: str = "") -> dict[str, Any] | None:
        """``None`` if there is none, or if it cannot be read."""
        encrypted = self._request.COOKIES.get(name + reference)
        text = decrypt(encrypted, purpose=_purpose(name)) if encrypted else None
        return None if text is None else json.loads(text)

    def all(self, name: str) -> dict[str, dict[str, Any] | None]:
        """By reference, the cookies of this name; ``None`` for one that cannot be read."""
        references = [found.removeprefix(name) for found in self._request.COOKIES if found.startswith(name)]
        return {reference: self.get(name, reference) for reference in references}

    def set(self, name: str, value: dict[str, Any], seconds: int, *, reference: str = "") -> None:
        """The browser keeps it for ``seconds``. Above ``LONGEST_COOKIE``, it is not kept, and a warning is logged."""
        encrypted = encrypt(json.dumps(value, separators=(",", ":"), ensure_ascii=False), purpose=_purpose(name))
        if len(encrypted) > LONGEST_COOKIE:
            logger.warning("%s is too long for a cookie, so it is not kept.", name.rstrip("_"))
            return
        self._changes[name + reference] = encrypted, seconds

    def delete(self, name: str, reference: str = "") -> None:
        self._changes[name + reference] = None

    def write_to(self, response: HttpResponseBase) -> None:
        for name, change in self._changes.items():
            if change is None:
                response.delete_cookie(name, path=self._path, samesite="Lax")
                continue
            value, seconds = change
            response.set_cookie(
                name,
                value,
                max_age=seconds,
                path=self._path,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )


def _purpose(name: str) -> str:
    return f"cookie.{name}"
