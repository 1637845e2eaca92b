"""One shape for every processor of the sandbox: its API, where riders enter a card, and what they remember."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from .handler import Reply, Request
from .state import State

UNKNOWN = "unknown"
"""The endpoint of what the API does not have."""


class Service(ABC):
    """A processor's part of the sandbox. ``SandboxServer`` gives it to a network, ``FakeProcessor`` to one process."""

    name: ClassVar[str]
    processor: ClassVar[str]
    """The dotted path of the class that speaks to it, for ``ACCOUNTS``."""
    endpoints: ClassVar[tuple[str, ...]]
    """What counts, and what can fail."""

    def __init__(self, state: State) -> None:
        self.state = state

    @abstractmethod
    def options(self, url: str) -> dict[str, Any]:
        """``OPTIONS`` of an account whose API is at ``url``."""

    @abstractmethod
    def adopt(self, options: Mapping[str, Any]) -> None:
        """Take an account's credentials for its own, as far as ``options`` name them. What was given out for others is
        refused from now on."""

    @property
    def redirect_hosts(self) -> list[str]:
        """What ``ALLOWED_REDIRECT_HOSTS`` has to name."""
        return []

    def tls(self) -> ssl.SSLContext | None:
        """What its API speaks over, where it insists."""
        return None

    @abstractmethod
    def endpoint_of(self, request: Request) -> str | None:
        """The name under which the request counts and fails; ``None`` for what does neither."""

    @abstractmethod
    def is_for_browsers(self, request: Request) -> bool:
        """Whether pages of other origins on this machine may ask for it."""

    @abstractmethod
    def reply_to(self, request: Request) -> Reply:
        """Do what is asked."""
