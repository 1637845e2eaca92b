"""What goes between us and a processor: an account's options and endpoints, the card form, access to it, a card as the
processor knows it, a link."""

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
    """What the value of an option is, and so which field a form has for it. A URL and PEM are texts."""

    TEXT = "text"
    URL = "url"
    PEM = "pem"
    NUMBER = "number"
    MAPPING = "mapping"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One entry of an account's ``OPTIONS``, as its processor declares it.

    ``name`` is its key. ``help_text`` tells whoever fills it in what it is and where to get it, in a sentence that can
    stand under a field. The value of one that ``is_secret`` is shown nowhere, and may be kept apart from the others.
    ``default`` is for one that is not required. With ``choices`` it is one of these.
    """

    name: str
    help_text: str
    kind: OptionKind = OptionKind.TEXT
    is_secret: bool = False
    is_required: bool = True
    default: Any = None
    choices: Sequence[str] = ()

    def of(self, options: Mapping[str, Any]) -> Any:
        """The account's value, or the default where it has none."""
        return self.default if self._is_missing(options) else options[self.name]

    def problems(self, options: Mapping[str, Any]) -> Iterator[str]:
        """A sentence for each thing that is wrong with it. None shows the value: it may be a secret."""
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
    OptionKind.TEXT: (str, "a text"),
    OptionKind.URL: (str, "a text"),
    OptionKind.PEM: (str, "a text"),
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
    """A server of the processor's, for one account.

    ``base_url`` is what every route is relative to. ``tls_context`` is for mutual TLS or an authority of the
    processor's own; make it for these calls alone, because the connection pool changes it. ``None`` is the public CAs.

    Endpoints with the same ``circuit`` are down together: it is the account's own by default. Name another one for a
    server that can be down while riders get on without it.
    """

    base_url: str = field(repr=False)
    tls_context: ssl.SSLContext | None = None
    circuit: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenizationRequest:
    """Who is about to enter a card, as far as a processor may know.

    ``language`` is that of the page (``en``, ``es-mx``). ``card_schemes`` are those that the agency takes, empty where
    it does not say. ``is_in_person``: staff are at the page with the rider, and a form may open at once. ``state`` is
    random, and comes back with a rider who was sent to the processor's site; empty where nobody is sent anywhere.
    """

    language: str
    card_schemes: Sequence[str] = ()
    is_in_person: bool = False
    state: str = ""


class CardFormKind(str, Enum):
    """Where riders enter their card, as the words of the page have it."""

    DIALOG = "dialog"  # the processor's form, over our page
    REDIRECT = "redirect"  # the processor's own site
    INLINE = "inline"  # fields of a payment gateway's, within our page


REDIRECT_ADAPTER = "enrollment_errors/processors/redirect.js"


@dataclass(frozen=True, kw_only=True)
class CardForm:
    """The browser's side of a processor, for the enroll page.

    ``adapter`` is a static file, of ours or of the site: the script between the page and the processor's form
    (docs/adding-a-processor.md has its interface). ``script`` is the address of the processor's own script, which the
    page loads for it. It is empty if there is none. ``function`` is the name of the function in that script that opens
    the form; sites chart it. ``script_attributes`` stand in its element: some gateways read their public key there.
    ``data`` is JSON for the adapter. Everybody can read all of this.

    ``sources`` is what a strict Content-Security-Policy must allow beside ``script``, by directive:
    ``{"frame-src": ["https://form.example"]}``.

    Without ``needs_access`` the form works with what is in ``data``, and ``request_tokenization`` is never called. One
    that ``opens_at_once`` needs no press of the button, such as one for staff, who have pressed one already.
    """

    kind: CardFormKind
    adapter: str
    script: str = ""
    function: str = ""
    script_attributes: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
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
    """What the processor calls this visit; ``redeem`` turns it into a card token."""
    expires_at: float
    """Epoch seconds."""


Tokenization = Access | Redirect


@dataclass(frozen=True, kw_only=True)
class FundingSource:
    """A rider's card as the processor knows it. ``scheme`` and ``category`` are for analytics (``visa``, ``debit``),
    ``last_digits`` for the success page, where the rider sees which card it was.

    Pass them as the processor wrote them. Raises ``ReplyIncomplete`` for an ``id`` that cannot stand in the path of a
    request. A scheme or category that is no text becomes ``None``, and a long one is cut, because events must not grow
    with what a processor says. Of the digits, or of a masked number, the last four are kept at most.
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
    """A funding source's membership of a concession group. ``expires_at`` is aware, or ``None`` if it never expires."""

    group_id: str
    expires_at: datetime | None
