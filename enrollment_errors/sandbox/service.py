"""The common interface of the sandbox's processors: the API, the card entry, and the state behind them."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from .handler import Reply, Request
from .state import State

UNKNOWN = "unknown"
"""The endpoint for requests that the API does not have."""


class Service(ABC):
    """A processor's part of the sandbox. ``SandboxServer`` serves it over HTTP, ``FakeProcessor`` in one process."""

    name: ClassVar[str]
    processor: ClassVar[str]
    """The dotted path of the class that calls it, for ``ACCOUNTS``."""
    endpoints: ClassVar[tuple[str, ...]]
    """The names of endpoints that are counted and can fail."""

    def __init__(self, state: State) -> None:
        self.state = state

    @abstractmethod
    def options(self, url: str) -> dict[str, Any]:
        """``OPTIONS`` of an account whose API is at ``url``."""

    @abstractmethod
    def adopt(self, options: Mapping[str, Any]) -> None:
        """Adopt the credentials in an account's ``options``. Anything issued for other credentials is refused from now
        on."""

    @property
    def redirect_hosts(self) -> list[str]:
        """The hosts that ``ALLOWED_REDIRECT_HOSTS`` must name."""
        return []

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context of its API, if it requires one."""
        return None

    @abstractmethod
    def endpoint_of(self, request: Request) -> str | None:
        """The endpoint name for counting and failing; ``None`` if the request does neither."""

    @abstractmethod
    def is_for_browsers(self, request: Request) -> bool:
        """Whether pages of other origins on this machine may make this request."""

    @abstractmethod
    def reply_to(self, request: Request) -> Reply:
        """Handle the request."""
