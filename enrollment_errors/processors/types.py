"""The types we exchange with a processor: an account's options and endpoints, the card form, access to it, a card as
the processor knows it, a link."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from ..codes import gettext_noop
from ..exceptions import ReplyIncomplete
from ..secret import Secret

_LONGEST_ID = 512
_LONGEST_NAME = 40


class OptionKind(str, Enum):
    """The type of an option's value, which decides its field in a form. A URL and PEM are texts."""

    TEXT = "text"
    URL = "url"
    PEM = "pem"
    NUMBER = "number"
    MAPPING = "mapping"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One entry of an account's ``OPTIONS``, as its processor declares it.

    ``name`` is its key. ``help_text`` says what it is and where to get it, in a sentence that fits under a form field.
    If it ``is_secret``, its value is never shown, and may be kept apart from the others. ``default`` applies if it is
    not required. With ``choices``, the value must be one of them.
    """

    name: str
    help_text: str
    kind: OptionKind = OptionKind.TEXT
    is_secret: bool = False
    is_required: bool = True
    default: Any = None
    choices: Sequence[str] = ()

    def of(self, options: Mapping[str, Any]) -> Any:
        """The account's value, or the default if it has none."""
        return self.default if self._is_missing(options) else options[self.name]

    def problems(self, options: Mapping[str, Any]) -> Iterator[str]:
        """A sentence for each mistake in it. None shows the value, because it may be secret."""
        if self._is_missing(options):
            if self.is_required:
                yield f'"{self.name}" is missing or empty.'
            return
        value = options[self.name]
        expected, words = _KINDS[self.kind]
        if not isinstance(value, expected) or isinstance(value, bool):
            yield f'"{self.name}" must be {words}.'
        elif self.kind is OptionKind.PEM and "-----BEGIN " not in str(value):
            yield f'"{self.name}" must be PEM, which starts with "-----BEGIN ".'
        elif self.choices and value not in self.choices:
            yield f'"{self.name}" must be one of {", ".join(self.choices)}.'

    def _is_missing(self, options: Mapping[str, Any]) -> bool:
        return options.get(self.name) in (None, "")


_KINDS: dict[OptionKind, tuple[type, str]] = {
    OptionKind.TEXT: (str, "a string"),
    OptionKind.URL: (str, "a string"),
    OptionKind.PEM: (str, "a string"),
    OptionKind.NUMBER: (int, "a whole number"),
    OptionKind.MAPPING: (Mapping, "a dict"),
}

BASE_URL = Option(
    name="BASE_URL",
    kind=OptionKind.URL,
    help_text=gettext_noop(
        "The address of the processor's API: https://, a host, and a path only if the processor gave you one."
    ),
)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One of the processor's servers, for one account.

    Every route is relative to ``base_url``. ``tls_context`` is for mutual TLS or the processor's own certificate
    authority; make it for these calls alone, because the connection pool changes it. ``None`` means the public CAs.

    Endpoints with the same ``circuit`` are down together; by default, it is the account's own. Name another one for a
    server that riders can do without.
    """

    base_url: str = field(repr=False)
    tls_context: ssl.SSLContext | None = None
    circuit: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenizationRequest:
    """What a processor may know about a rider who is about to enter a card.

    ``language`` is the page's (``en``, ``es-mx``). ``card_schemes`` are those the agency accepts, empty if it does not
    say. ``is_in_person``: staff are at the page with the rider, so a form may open at once. ``state`` is random, and
    comes back with a rider who was sent to the processor's site; it is empty if the form does not redirect.
    """

    language: str
    card_schemes: Sequence[str] = ()
    is_in_person: bool = False
    state: str = ""


class CardFormKind(str, Enum):
    """Where riders enter their card; the page's wording depends on it."""

    DIALOG = "dialog"  # the processor's form, over our page
    REDIRECT = "redirect"  # the processor's own site
    INLINE = "inline"  # a payment gateway's fields, within our page


REDIRECT_ADAPTER = "enrollment_errors/processors/redirect.js"


@dataclass(frozen=True, kw_only=True)
class CardForm:
    """The browser's side of a processor, for the enroll page.

    ``adapter`` is a static file, ours or the site's: the script between the page and the processor's form
    (docs/adding-a-processor.md has its interface). ``script`` is the URL of the processor's own script, which the page
    loads for it; empty if there is none. ``function`` is the name of the function in that script that opens the form;
    sites chart it. ``script_attributes`` are the attributes of its element: some gateways read their public key there.
    ``data`` is JSON for the adapter. ``card_schemes`` are those that the form accepts (``visa``), for the page to name;
    if it is empty, the page names the agency's. All of this is public.

    ``sources`` lists what a strict Content-Security-Policy must allow besides ``script``, by directive:
    ``{"frame-src": ["https://form.example"]}``.

    Without ``needs_access``, the form works with ``data`` alone, and ``request_tokenization`` is never called. A form
    that ``opens_at_once`` does not wait for the button, such as one for staff, who have already pressed one.
    """

    kind: CardFormKind
    adapter: str
    script: str = ""
    function: str = ""
    script_attributes: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    card_schemes: Sequence[str] = ()
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    needs_access: bool = True
    opens_at_once: bool = False


@dataclass(frozen=True, kw_only=True)
class Access:
    """Access to card tokenization on our own page: a token for the processor's form."""

    access_token: Secret
    expires_at: float
    """Epoch seconds."""


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Card tokenization on the processor's own site: the rider goes there and comes back."""

    url: str
    handle: Secret
    """The processor's id of this visit; ``redeem`` turns it into a card token."""
    expires_at: float
    """Epoch seconds."""


Tokenization = Access | Redirect


@dataclass(frozen=True, kw_only=True)
class FundingSource:
    """A rider's card as the processor knows it. ``scheme`` and ``category`` are for analytics (``visa``, ``debit``),
    ``last_digits`` for the success page, which shows the rider which card it was.

    Pass them as the processor wrote them. Raises ``ReplyIncomplete`` for an ``id`` that cannot be part of a request's
    path. A scheme or category that is not text becomes ``None``, and a long one is cut, to keep events small. At most
    the last four of the digits, or of a masked number, are kept.
    """

    id: str = field(repr=False)
    scheme: str | None = None
    category: str | None = None
    last_digits: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not _can_stand_in_a_path(self.id):
            raise ReplyIncomplete("a funding source without an id")
        for name in ("scheme", "category"):
            object.__setattr__(self, name, _name_or_none(getattr(self, name)))
        object.__setattr__(self, "last_digits", _last_digits_or_none(self.last_digits))


def _can_stand_in_a_path(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST_ID
        and value.isprintable()
        and value.strip() not in ("", ".", "..")
    )


def _name_or_none(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value[: 2 * _LONGEST_NAME]))[:_LONGEST_NAME]


def _last_digits_or_none(value: object) -> str | None:
    found = re.search(r"[0-9]{1,4}\Z", value) if isinstance(value, str) else None
    return found and found[0]


@dataclass(frozen=True, kw_only=True)
class Link:
    """A funding source's membership in a concession group. ``expires_at`` is aware, or ``None`` if it never expires."""

    group_id: str
    expires_at: datetime | None
