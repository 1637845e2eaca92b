"""A rider's browser over a real connection, without the page's script."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?')
PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    location: str

    @property
    def is_success(self) -> bool:
        return self.status in (302, 303) and "/success/" in self.location


class Rider:
    """``group`` is the concession group of the benefit that the rider has chosen."""

    def __init__(self, port: int, group: str) -> None:
        self._port = port
        self._group = group
        self._cookies: dict[str, str] = {}

    def asks_for_token(self) -> Answer:
        body = json.dumps({"made_for": self._hidden().get("made_for", "")})
        return self._asks("POST", "/ours/token/", body, "application/json")

    def enrolls(self, card_token: str, *, leaves: Callable[[], object] | None = None) -> Answer:
        """``leaves`` returns when the rider gives up and goes away without an answer."""
        body = urlencode({**self._hidden(), "card_token": card_token})
        return self._asks("POST", "/ours/", body, "application/x-www-form-urlencoded", leaves)

    def _hidden(self) -> dict[str, str]:
        return dict(_HIDDEN.findall(self._asks("GET", "/ours/").body))

    def _asks(
        self, method: str, path: str, body: str = "", kind: str = "", leaves: Callable[[], object] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, self._headers(kind))
            if leaves is not None:
                leaves()
                return Answer(0, "", "")
            response = connection.getresponse()
            for header in response.headers.get_all("Set-Cookie") or ():
                self._cookies.update({name: cookie.value for name, cookie in SimpleCookie(header).items()})
            return Answer(response.status, response.read().decode(), response.headers.get("Location", ""))
        finally:
            connection.close()

    def _headers(self, kind: str) -> dict[str, str]:
        headers = {
            "Connection": "close",
            "X-Group": self._group,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "X-CSRFToken": self._cookies.get("csrftoken", ""),
        }
        return headers | ({"Content-Type": kind} if kind else {})
