"""The sandbox: a transit processor with an API, a place for riders to enter a card, and failures on demand.

::

    with SandboxServer() as server:
        source = server.state.add_card("card-token-1")
        server.faults.set("link", Fault(kind="reset", after_effect=True, times=1))
        ...  # requests to server.url
        assert server.calls["link"] == 2

``littlepay`` and ``switchio`` are its processors. Each has its own endpoint names, which ``calls`` and ``faults`` use.
``control`` describes how to control it over HTTP, and ``cards`` has the riders' cards.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from ..transport.call import is_loopback
from . import control
from .handler import Handler, Reply, Request
from .listener import Listener
from .littlepay import Littlepay
from .loopback import LoopbackServer
from .service import Service

PREFLIGHT = MappingProxyType(
    {
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
    }
)


class SandboxServer(LoopbackServer):
    """``service`` is the processor it acts as, Littlepay by default. Keep a reference if your test needs to reach into
    it.

    ``control_port`` is a second port with the same answers, without TLS, which stays up while the first is ``down``.
    Riders' browsers find a processor's gateway there, if it has one.

    Two servers can share one service: the two hosts of a processor, each with its own faults.
    """

    def __init__(
        self,
        service: Service | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        control_port: int = 0,
        allow_remote: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.service = service or Littlepay()
        self.endpoints = self.service.endpoints
        super().__init__(host, port, allow_remote=allow_remote, ssl_context=ssl_context or self.service.tls())
        self.control_port = control_port
        self._control: Listener | None = None

    @property
    def state(self) -> Any:
        """The service's state, such as a ``LittlepayState``."""
        return self.service.state

    def account(self) -> dict[str, Any]:
        """An entry of ``ACCOUNTS`` that reaches it."""
        return {"CLASS": self.service.processor, "OPTIONS": self.service.options(self.url)}

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
        self.state.browser_url = self.control_url

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
        return None if request.segments[0] == "sandbox" else self.service.endpoint_of(request)

    def reply_to(self, request: Request, handler: Handler) -> Reply:
        if request.segments[0] == "sandbox" or self.service.is_for_browsers(request):
            return self._for_browsers_too(request, handler)
        return self.service.reply_to(request)

    def _for_browsers_too(self, request: Request, handler: Handler) -> Reply:
        """Only pages from this machine may control the sandbox through a visitor's browser."""
        origin = request.headers.get("Origin")
        if origin is not None and not (self.allow_remote or is_loopback(urlsplit(origin).hostname or "")):
            return Reply.of({"error": "not for pages from other machines"}, 403)
        if request.method == "OPTIONS":
            reply = Reply(204, headers=PREFLIGHT)
        elif request.segments[0] == "sandbox":
            handler.release()
            reply = control.reply_to(self, request)
        else:
            reply = self.service.reply_to(request)
        return (
            reply
            if origin is None
            else replace(reply, headers={**reply.headers, "Access-Control-Allow-Origin": origin, "Vary": "Origin"})
        )
