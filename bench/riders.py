"""The requests of riders' browsers to the site, over HTTP. Each has its own connection, as if from another rider."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from .upstream import Upstream

# Any value works, as long as the cookie and the header have the same.
_CSRF = "b" * 32
# The last enroll page with a card form, by site and group. In an outage, riders still have theirs from before.
_pages: dict[tuple[int, str], _Page] = {}


@dataclass(frozen=True)
class _Page:
    """The enroll page as a new rider's browser has it."""

    cookie: str
    made_for: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"csrftoken={_CSRF}; {self.cookie}", "X-CSRFToken": _CSRF}


@dataclass(frozen=True)
class Answer:
    """``status`` is 0 if no answer came. ``location`` is where a redirect leads."""

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
    """``whose`` says which client: ``ours`` or ``naive``."""
    page = _page_of(port, whose, "group-seniors")
    headers = {**page.headers, "X-Group": "group-seniors", "Content-Type": "application/json"}
    return _ask(port, "POST", f"/{whose}/token/", headers, json.dumps({"made_for": page.made_for}), patience)


def enroll(port: int, whose: str, card_token: str, *, group: str = "group-seniors", patience: float = 60) -> Answer:
    page = _page_of(port, whose, group)
    headers = {**page.headers, "X-Group": group, "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"card_token": card_token, "made_for": page.made_for})
    return _ask(port, "POST", f"/{whose}/", headers, body, patience)


def _page_of(port: int, whose: str, group: str) -> _Page:
    """The page as a new rider opens it, which is not measured. If it has no card form, the last page that had one."""
    if whose != "ours":
        return _Page("", "")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"/{whose}/", headers={"Connection": "close", "X-Group": group})
        response = connection.getresponse()
        found = re.search(r'name="made_for" value="(\w+)"', response.read().decode())
        cookies = [value.partition(";")[0] for name, value in response.getheaders() if name.lower() == "set-cookie"]
    except (OSError, http.client.HTTPException):
        found, cookies = None, []
    finally:
        connection.close()
    if found:
        session = "; ".join(cookie for cookie in cookies if not cookie.startswith("csrftoken="))
        _pages[port, group] = _Page(session, found[1])
    return _pages[port, group]


def warm_up(port: int, whose: str, processor: Upstream, *, workers: int) -> None:
    """Gives every worker a token and a connection: sends requests until the processor has as many new connections."""
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
