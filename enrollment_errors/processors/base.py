"""The contract of a transit processor. A site's own processor is a class like this; nothing else of ours knows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ..secret import Secret
from .types import CardFormScript, FundingSource, Link, Tokenization

if TYPE_CHECKING:
    import ssl

    from ..transport import ProcessorHttp


class Processor(ABC):
    """One account with a transit processor, for the calls of one rider's request.

    ``http`` carries the rider's time budget, the account's circuit breaker and the connection pool; a processor makes
    all of its calls through it. Every method may raise ``ProcessorError``; what it raises beside that ends as a server
    error. No method retries or swallows anything by itself.
    """

    name: ClassVar[str]
    """How rules, events and templates call it: ``littlepay``."""

    link_conflict_wordings: ClassVar[str | None] = None
    """A pattern for the known texts of a 409 on the link. What does not match it is checked by asking."""

    def __init__(self, account: str, options: Mapping[str, Any], http: ProcessorHttp) -> None:
        self.account = account
        self.options = options
        self.http = http

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        """One sentence for each thing that is wrong with an account's ``OPTIONS``; empty where nothing is."""
        return []

    @classmethod
    def base_url(cls, options: Mapping[str, Any]) -> str:
        """The address that every route is relative to."""
        return str(options["BASE_URL"])

    @classmethod
    def tls_context(cls, options: Mapping[str, Any]) -> ssl.SSLContext | None:
        """For mutual TLS: a context with the client's certificate. ``None`` is the platform's default."""
        return None

    @classmethod
    def card_form_script(cls, options: Mapping[str, Any], language: str) -> CardFormScript | None:
        """The hosted card form for a page in ``language`` (``en``, ``es``, …); ``None`` for a redirect flow."""
        return None

    @abstractmethod
    def request_tokenization(self, return_url: str) -> Tokenization:
        """Access to card tokenization. ``return_url`` is absolute: where a redirect flow brings the rider back."""

    def redeem(self, handle: Secret) -> Secret:
        """The card token of a rider who came back from a redirect.

        Raises ``CardRefused`` where the processor refused the card's details.
        """
        raise NotImplementedError(f"{type(self).__name__} has no redirect flow")

    @abstractmethod
    def find_funding_source(self, card_token: Secret) -> FundingSource:
        """What is known of the card of a card token."""

    @abstractmethod
    def link(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        """Put the card into the concession group. Raises ``StatusError`` 409 where it is in there already."""

    @abstractmethod
    def find_link(self, funding_source: FundingSource, group_id: str) -> Link | None:
        """Ask which groups the card is in; never list the group's members."""

    @abstractmethod
    def change_expiry(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        """Set the expiry of an existing link; ``None`` clears it.

        Raises ``ExpiryNotClearable``, before any call, where the processor has no way to clear one.
        """

    def find_groups(self) -> Iterable[str] | None:
        """The ids of the account's concession groups, for ``enrollment_doctor``; ``None`` where nobody can say."""
        return None
