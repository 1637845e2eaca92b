"""An account with a transit processor, and where a site's accounts come from."""

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


class AccountProvider(ABC):
    """Where a site's accounts come from: asked when an account is needed, by name.

    A site whose accounts live in a database, or whose secrets live in a vault, subclasses it and names the class in the
    setting ``ACCOUNTS``. It is made once a process, without arguments.
    """

    kept_for: ClassVar[float | None] = 10.0
    """Seconds for which what was given is used again, unless ``account_directory.refresh_accounts`` is called; ``None``
    is for ever."""

    @abstractmethod
    def get_account(self, name: str) -> Mapping[str, Any]:
        """``{"CLASS": dotted path of the processor, "OPTIONS": {…}}``. Raises ``LookupError`` where there is none, and
        ``ConfigurationError``, with a text that operators may see, where something is wrong with it.

        Whatever else it raises is this account's trouble alone: its riders get the server-error page, unless what was
        given before is still known. Of that operators see the type and the place.
        """

    @abstractmethod
    def get_names(self) -> Iterable[str]:
        """Of all accounts, for operators and for ``enrollment_doctor``."""


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
