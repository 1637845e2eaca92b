"""The contract of a transit processor. To add your own, write a class like this; nothing else needs to change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ..secret import Secret
from .types import (
    BASE_URL,
    REDIRECT_ADAPTER,
    CardForm,
    CardFormKind,
    Endpoint,
    FundingSource,
    Link,
    Option,
    Redirect,
    Tokenization,
    TokenizationRequest,
)

if TYPE_CHECKING:
    from ..transport import ProcessorHttp


class Processor(ABC):
    """One account with a transit processor, for the calls of one rider's request.

    ``http_to`` has one ``ProcessorHttp`` for each of the account's endpoints, and ``http`` is the first of them. They
    carry the rider's time budget, circuit breakers and connection pools; make all calls through them. Every method may
    raise ``ProcessorError``; any other exception becomes a server error, unless it is named here. Methods must not
    retry or swallow exceptions themselves.
    """

    name: ClassVar[str]
    """Its name in rules, events and templates: ``littlepay``."""

    account_options: ClassVar[tuple[Option, ...]] = (BASE_URL,)
    """Everything that an account's ``OPTIONS`` may hold, in the order of a form."""

    link_conflict_wordings: ClassVar[str | None] = None
    """A pattern for the known texts of a 409 on the link. If a text does not match, the processor is asked."""

    overwrites_links: ClassVar[bool] = False
    """Whether ``link`` changes the expiry of a card that is already in the group, instead of answering 409. Such a
    processor is asked about the card before the link."""

    def __init__(self, account: str, options: Mapping[str, Any], http_to: Mapping[str, ProcessorHttp]) -> None:
        self.account = account
        self.options = options
        self.http_to = http_to
        self.http = next(iter(http_to.values()))

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        """One sentence for each mistake in an account's ``OPTIONS``; empty if there is none.

        By default, it applies ``account_options``. Extend it to check options against each other.
        """
        known = [option.name for option in cls.account_options]
        return [
            *(problem for option in cls.account_options for problem in option.problems(options)),
            *(
                f'"{key}" is not an option of this processor. The options are {", ".join(known)}.'
                for key in options
                if key not in known
            ),
        ]

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        """The processor's servers by name, the main one first. Asked once for each account, after ``check_options``.

        Anything it raises, such as ``ssl.SSLError`` for an unreadable certificate, is a mistake in the account.
        """
        return {"api": Endpoint(base_url=options[BASE_URL.name])}

    @classmethod
    def funding_source_scope(cls, account: str, options: Mapping[str, Any]) -> str:
        """Which cards the account knows: accounts of one processor with the same scope share their funding sources, so
        a rider in a region enters the card once for all of them. By default, each account knows only its own.

        ``account`` is the account's name.
        """
        return account

    @classmethod
    def card_form(cls, options: Mapping[str, Any], asked: TokenizationRequest) -> CardForm:
        """The browser's side; by default, that of a redirect flow. Makes no call.

        ``kind``, ``script``, ``sources`` and ``needs_access`` must not depend on ``asked``.
        """
        return CardForm(kind=CardFormKind.REDIRECT, adapter=REDIRECT_ADAPTER)

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Tokenization:
        """Access to card tokenization. ``return_url`` is absolute; a redirect flow brings the rider back there.

        Not called if the card form needs no access.
        """
        raise NotImplementedError(f"{type(self).__name__} does not give access to card tokenization")

    def is_still_good(self, redirect: Redirect) -> bool:
        """Whether a rider can be sent to this earlier ``redirect`` again. Override it if the processor can say so; by
        default, a redirect is good until it expires."""
        return True

    def redeem(self, handle: Secret, query: Mapping[str, Secret]) -> Secret:
        """The card token of a rider who came back from a redirect. ``query`` is the query of the return URL.

        Raises ``CardRefused`` if the processor refused the card's details; ``CardFormCancelled``,
        ``TokenizationExpired`` or ``TokenizationRunning`` if the rider has not entered a card; ``CardFormFailed`` if
        the processor failed.
        """
        raise NotImplementedError(f"{type(self).__name__} has no redirect flow")

    @abstractmethod
    def find_funding_source(self, card_token: Secret) -> FundingSource:
        """The card that belongs to a card token."""

    @abstractmethod
    def link(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        """Put the card into the concession group. Raises ``StatusError`` 409 if it is already in the group, unless the
        processor ``overwrites_links``."""

    @abstractmethod
    def find_link(self, funding_source: FundingSource, group_id: str) -> Link | None:
        """Ask which groups the card is in; never list the group's members."""

    @abstractmethod
    def change_expiry(self, funding_source: FundingSource, group_id: str, expires_at: datetime | None) -> None:
        """Set the expiry of an existing link; ``None`` clears it.

        Raises ``ExpiryNotClearable``, before any call, if the processor has no way to clear one.
        """

    def unlink(self, funding_source: FundingSource, group_id: str) -> None:
        """Take the card out of the concession group. Raises ``StatusError`` 404 if the processor says that the card is
        not in it. Doing it twice is harmless, so make the call ``idempotent``.

        Only processors that override it can do it.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot take a card out of a group")

    def find_groups(self) -> Iterable[str] | None:
        """The ids of the account's concession groups, for ``enrollment_doctor``, or a dict of their labels by id;
        ``None`` if the processor cannot say."""
        return None

    def find_products(self, group_id: str) -> Mapping[str, bool]:
        """The fare products of a concession group by name, and whether each is active. Without an active one, riders
        are enrolled but pay the full fare. It may stop at the first active one.

        Raises ``NotImplementedError`` if the processor cannot say.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say which products a group has")

    def check_health(self) -> None:
        """One call that changes nothing and needs no rider, for ``enrollment_doctor``. Raises ``ProcessorError`` if
        the processor is down or refuses the account.

        Raises ``NotImplementedError`` if the processor has no such call.
        """
        raise NotImplementedError(f"{type(self).__name__} has no call for that")
