"""An account with a transit processor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..transport import ProcessorHttp
from .base import Processor
from .types import Endpoint

if TYPE_CHECKING:
    from ..clock import Deadline
    from ..transport import Limits


@dataclass(frozen=True, kw_only=True)
class Account:
    """As the site named and configured it. ``endpoints`` are those of ``processor.endpoints(options)``, made once,
    because a connection pool belongs to a TLS context."""

    name: str
    processor: type[Processor]
    options: Mapping[str, Any] = field(repr=False)
    endpoints: Mapping[str, Endpoint] = field(repr=False)

    @property
    def circuits(self) -> tuple[str, ...]:
        """The names of its circuits, for the cache: its own, and one for each endpoint that has another."""
        named = {endpoint.circuit: None for endpoint in self.endpoints.values()}
        return tuple(_circuit(self.name, circuit) for circuit in named)

    def open(self, *, deadline: Deadline, limits: Limits, parties: Iterable[str] = (), called: str = "") -> Processor:
        """A processor whose calls, to whichever endpoint, share one deadline and are made for the same ``parties``.

        ``called`` is another name for places, pools and circuits, for calls that no rider shall notice.
        """
        name = called or self.name
        shared = {party for party in parties if party}
        connections = {
            endpoint: ProcessorHttp(
                name,
                server.base_url,
                deadline=deadline,
                limits=limits,
                tls_context=server.tls_context,
                parties=shared,
                endpoint=endpoint,
                circuit=_circuit(name, server.circuit),
            )
            for endpoint, server in self.endpoints.items()
        }
        return self.processor(self.name, self.options, connections)


def _circuit(account: str, circuit: str) -> str:
    return f"{account}/{circuit}" if circuit else account
