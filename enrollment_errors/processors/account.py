"""An account with a transit processor, and the provider of a site's accounts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..transport import ProcessorHttp
from .base import Processor
from .types import Endpoint

if TYPE_CHECKING:
    from ..clock import Deadline
    from ..glance import Glance
    from ..transport import Limits


@dataclass(frozen=True, kw_only=True)
class Account:
    """As the site named and configured it. ``endpoints`` is the result of ``processor.endpoints(options)``, made once
    because a connection pool belongs to a TLS context."""

    name: str
    processor: type[Processor]
    options: Mapping[str, Any] = field(repr=False)
    endpoints: Mapping[str, Endpoint] = field(repr=False)

    @property
    def circuits(self) -> tuple[str, ...]:
        """The cache names of its circuits: its own, and one for each endpoint with a different circuit."""
        named = {endpoint.circuit: None for endpoint in self.endpoints.values()}
        return tuple(_circuit(self.name, circuit) for circuit in named)

    def open(
        self,
        *,
        deadline: Deadline,
        limits: Limits,
        parties: Iterable[str] = (),
        glance: Glance | None = None,
        called: str = "",
    ) -> Processor:
        """A processor whose calls, to any endpoint, share one deadline and one ``glance``, and are made for the same
        ``parties``.

        ``called`` is a different name for places, pools and circuits, for calls that must not affect riders.
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
                glance=glance,
                endpoint=endpoint,
                circuit=_circuit(name, server.circuit),
            )
            for endpoint, server in self.endpoints.items()
        }
        return self.processor(self.name, self.options, connections)


class AccountProvider(ABC):
    """Provides a site's accounts by name, when they are needed.

    If your accounts live in a database, or your secrets in a vault, subclass it and name the class in the setting
    ``ACCOUNTS``. Each process makes one instance, without arguments.
    """

    kept_for: ClassVar[float | None] = 10.0
    """Seconds that an account is kept, unless you call ``account_directory.refresh_accounts``; ``None`` is forever."""

    @abstractmethod
    def get_account(self, name: str) -> Mapping[str, Any]:
        """``{"CLASS": dotted path of the processor, "OPTIONS": {…}}``. Raise ``LookupError`` if there is no such
        account, and ``ConfigurationError``, with a message that operators may see, if something is wrong with it.

        Any other exception affects this account alone: its riders get the server-error page, unless an earlier answer
        is still kept. Operators see its type and place.
        """

    @abstractmethod
    def get_names(self) -> Iterable[str]:
        """The names of all accounts, for operators and for ``enrollment_doctor``."""


class SettingsAccounts(AccountProvider):
    """The setting ``ACCOUNTS`` as a dict: ``{name: {"CLASS": dotted path, "OPTIONS": {…}}}``."""

    kept_for = None

    def __init__(self, accounts: Mapping[str, Any]) -> None:
        self._accounts = accounts

    def get_account(self, name: str) -> Mapping[str, Any]:
        account: Mapping[str, Any] = self._accounts[name]
        return account

    def get_names(self) -> Iterable[str]:
        return self._accounts.keys()


def _circuit(account: str, circuit: str) -> str:
    return f"{account}/{circuit}" if circuit else account
