"""The sandbox: a transit processor that speaks the Littlepay back-office API, serves a card form, and fails on demand.

::

    with SandboxServer() as server:
        source = server.state.add_card("card-token-1")
        server.faults.set("link", Fault(kind="reset", after_effect=True, times=1))
        ...  # requests to server.url
        assert server.calls["link"] == 2

Endpoints, as they count in ``calls`` and fail in ``faults``: ``authorization``, ``tokenization``, ``lookup``,
``groups`` (of a card), ``link``, ``expiry``, ``unlink``, ``concession_groups``, ``group_members``,
``card_form_script``, and ``unknown`` for what the API does not have.

``control`` tells how to steer it over HTTP, ``cards`` what its card form offers.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from ..transport.call import is_loopback
from . import api, cards, control
from .handler import Handler, Reply, Request
from .listener import Listener
from .loopback import LoopbackServer
from .state import DEFAULT_GROUPS, State

CARD_FORM_SCRIPT = "/assets/js/littlepay.min.js"
PREFLIGHT = MappingProxyType(
    {
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
    }
)


@cache
def _card_form_script() -> Reply:
    script = Path(__file__).with_name("card_form.js").read_bytes()
    return Reply(200, script, "text/javascript; charset=utf-8", {"Cache-Control": "no-store"})


class SandboxServer(LoopbackServer):
    """``groups`` are the concession groups that it starts with, id → label.

    ``control_port`` is a second port with the same answers. It stays when the first is ``down``, and has no TLS.
    """

    endpoints = (*(endpoint.name for endpoint in api.ENDPOINTS), "card_form_script", api.UNKNOWN)

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        control_port: int = 0,
        allow_remote: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        groups: Mapping[str, str] = DEFAULT_GROUPS,
    ) -> None:
        super().__init__(host, port, allow_remote=allow_remote, ssl_context=ssl_context)
        self.state = State(groups)
        self.control_port = control_port
        self._control: Listener | None = None

    @property
    def control_url(self) -> str:
        return f"http://{self._netloc(self.control_port)}"

    def start(self) -> None:
        super().start()
        try:
            self._control = self._listen(self.control_port, None)
        except OSError:
            super().stop()
            raise
        self.control_port = self._control.port

    def stop(self) -> None:
        super().stop()
        if self._control is not None:
            self._control.close()
            self._control = None

    def reset(self) -> None:
        self.faults.clear()
        self.state.reset()
        self.forget_calls()

    def endpoint_of(self, request: Request) -> str | None:
        if request.segments[0] in ("sandbox", "card-form"):
            return None
        if (request.method, request.target) == ("GET", CARD_FORM_SCRIPT):
            return "card_form_script"
        return api.endpoint_of(self.state, request)

    def reply_to(self, request: Request, handler: Handler) -> Reply:
        if request.segments[0] in ("sandbox", "card-form"):
            return self._for_browsers_too(request, handler)
        if (request.method, request.target) == ("GET", CARD_FORM_SCRIPT):
            return _card_form_script()
        return api.reply_to(self.state, request)

    def _for_browsers_too(self, request: Request, handler: Handler) -> Reply:
        """No page but one from this machine may steer the sandbox through its visitor's browser."""
        origin = request.headers.get("Origin")
        if origin is not None and not (self.allow_remote or is_loopback(urlsplit(origin).hostname or "")):
            return Reply.of({"error": "not for pages from other machines"}, 403)
        if request.method == "OPTIONS":
            reply = Reply(204, headers=PREFLIGHT)
        elif request.segments[0] == "sandbox":
            handler.release()
            reply = control.reply_to(self, request)
        else:
            reply = cards.reply_to(self.state, request)
        return (
            reply
            if origin is None
            else replace(reply, headers={**reply.headers, "Access-Control-Allow-Origin": origin, "Vary": "Origin"})
        )
