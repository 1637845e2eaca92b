"""What riders' browsers ask of the site, over HTTP, each request on a connection of its own as from another rider."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from .upstream import Upstream

# Any value will do that is the same in the cookie and in the header.
_CSRF = {"Cookie": f"csrftoken={'b' * 32}", "X-CSRFToken": "b" * 32}


@dataclass(frozen=True)
class Answer:
    """``status`` is 0 where none came. ``location`` is where a redirect leads to."""

    status: int
    seconds: float
    location: str = ""

    @property
    def is_success(self) -> bool:
        """A page, a token, or an enrollment that worked."""
        return self.status == 200 or "/success/" in self.location


def get(port: int, path: str, *, patience: float = 10) -> Answer:
    return _ask(port, "GET", path, {}, None, patience)


def ask_for_token(port: int, whose: str, *, patience: float = 60) -> Answer:
    """``whose`` client: ``ours`` or ``naive``."""
    return _ask(port, "POST", f"/{whose}/token/", {**_CSRF, "X-Group": "group-seniors"}, "", patience)


def enroll(port: int, whose: str, card_token: str, *, group: str = "group-seniors", patience: float = 60) -> Answer:
    headers = {**_CSRF, "X-Group": group, "Content-Type": "application/x-www-form-urlencoded"}
    return _ask(port, "POST", f"/{whose}/", headers, urlencode({"card_token": card_token}), patience)


def warm_up(port: int, whose: str, processor: Upstream, *, workers: int) -> None:
    """Every worker gets a token and a connection: requests until the processor has seen as many connections."""
    before = processor.connections
    for _ in range(50 * workers):
        answer = ask_for_token(port, whose)
        if not answer.is_success:
            raise RuntimeError(f"{whose}: {answer}")
        if processor.connections - before >= workers:
            return
    raise RuntimeError(f"{workers} workers opened {processor.connections - before} connections")


def _ask(port: int, method: str, path: str, headers: Mapping[str, str], body: str | None, patience: float) -> Answer:
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request(method, path, body, {"Connection": "close", **headers})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return Answer(0, time.monotonic() - started)
    finally:
        connection.close()
    return Answer(response.status, time.monotonic() - started, response.headers.get("Location", ""))
