"""Runs the site in this process, and measures the CPU time of its requests. ``bench.cpu`` starts it.

The views take turns, each with a short chunk of requests. Anything else that the machine does only adds to a chunk, so
the lowest of many chunks is what the code costs.
"""

from __future__ import annotations

import gc
import io
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import count
from urllib.parse import urlencode

from django.core.wsgi import get_wsgi_application

from .site import floor
from .upstream import Upstream

GROUP = "group-seniors"
_CSRF = "b" * 32

_numbers = count(1)
application = get_wsgi_application()


@dataclass(frozen=True)
class Response:
    status: int
    cookies: str
    """All cookies that it sets, as a browser sends them back."""
    text: str
    location: str

    @property
    def is_success(self) -> bool:
        return self.status == 200 or "/success/" in self.location


@dataclass(frozen=True)
class Rider:
    """A new rider, with the page open and a card that the processor knows."""

    cookies: str
    made_for: str
    card_token: str


Ask = Callable[[Rider], Response]


def ask(method: str, path: str, *, headers: Mapping[str, str], cookies: str = "", body: str = "") -> Response:
    """Calls the WSGI application as a server does, with nothing in between."""
    content = body.encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_COOKIE": f"csrftoken={_CSRF}; {cookies}",
        "HTTP_X_CSRFTOKEN": _CSRF,
        "HTTP_X_GROUP": GROUP,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers,
    }
    started: list[tuple[str, list[tuple[str, str]]]] = []
    answer = application(environ, lambda status, found, _=None: started.append((status, found)))
    text = b"".join(answer).decode()
    answer.close()
    [(status, found)] = started
    cookie = SimpleCookie("; ".join(value.partition(";")[0] for name, value in found if name == "Set-Cookie"))
    cookies = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in cookie.items())
    return Response(int(status[:3]), cookies, text, dict(found).get("Location", ""))


def ask_for_token(whose: str) -> Ask:
    return lambda rider: ask(
        "POST",
        f"/{whose}/token/",
        headers={"CONTENT_TYPE": "application/json"},
        cookies=rider.cookies,
        body=json.dumps({"made_for": rider.made_for}),
    )


def enroll(whose: str) -> Ask:
    return lambda rider: ask(
        "POST",
        f"/{whose}/",
        headers={"CONTENT_TYPE": "application/x-www-form-urlencoded"},
        cookies=rider.cookies,
        body=urlencode({"card_token": rider.card_token, "made_for": rider.made_for}),
    )


def look_elsewhere(rider: Rider) -> Response:
    return ask("GET", "/other/", headers={}, cookies=rider.cookies)


COMPARED: Mapping[str, Ask] = {
    "token, ours": ask_for_token("ours"),
    "token, floor": ask_for_token("floor"),
    "enroll, ours": enroll("ours"),
    "enroll, floor": enroll("floor"),
    "bare": look_elsewhere,
}


def new_rider(processor: Upstream) -> Rider:
    page = ask("GET", "/ours/", headers={})
    found = re.search(r'name="made_for" value="(\w+)"', page.text)
    assert found, page
    card_token = f"rider-{next(_numbers)}-{secrets.token_hex(4)}"
    processor.add_card(card_token)
    return Rider(page.cookies.replace(f"csrftoken={_CSRF}", ""), found[1], card_token)


def cpu_of_chunk(ask: Ask, processor: Upstream, requests: int) -> float:
    """The CPU seconds of this thread, per request."""
    riders = [new_rider(processor) for _ in range(requests)]
    gc.collect()
    began = time.thread_time()
    responses = [ask(rider) for rider in riders]
    seconds = time.thread_time() - began
    if not all(response.is_success for response in responses):
        raise RuntimeError(responses[0])
    return seconds / requests


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    url, control_url, rounds, chunk = sys.argv[1:]
    processor = Upstream(url, control_url)
    floor.keep_api_token()
    lowest = dict.fromkeys(COMPARED, float("inf"))
    for _ in range(int(rounds)):
        for name, ask in COMPARED.items():
            lowest[name] = min(lowest[name], cpu_of_chunk(ask, processor, int(chunk)))
    print(json.dumps(lowest))


if __name__ == "__main__":
    main()
