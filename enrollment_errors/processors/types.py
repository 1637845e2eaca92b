"""What goes between us and a processor: access to card tokenization, a card as the processor knows it, a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..exceptions import ReplyIncomplete
from ..secret import Secret

_LONGEST_ID = 512
_LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True)
class CardForm:
    """Card tokenization on our own page, in the processor's hosted form."""

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


Tokenization = CardForm | Redirect


@dataclass(frozen=True, kw_only=True)
class CardFormScript:
    """What the page's script needs to open a hosted card form.

    ``function`` is the global function that the script at ``url`` defines. It is called once with ``options`` and,
    beside them, ``authorization``, ``element`` and the callbacks ``onTokenize({token})``,
    ``onVerificationFailure(response)``, ``onError({status})`` and ``onCancel()``. ``options`` is JSON.
    """

    url: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FundingSource:
    """A rider's card as the processor knows it. ``scheme`` and ``category`` are for analytics (``visa``, ``debit``).

    Pass them as the processor wrote them. Raises ``ReplyIncomplete`` for an ``id`` that cannot stand in the path of a
    request. A scheme or category that is no text becomes ``None``, and a long one is cut, because events must not grow
    with what a processor says.
    """

    id: str = field(repr=False)
    scheme: str | None = None
    category: str | None = None

    def __post_init__(self) -> None:
        if not _can_stand_in_a_path(self.id):
            raise ReplyIncomplete("a funding source without an id")
        for name in ("scheme", "category"):
            object.__setattr__(self, name, _name_or_none(getattr(self, name)))


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


@dataclass(frozen=True, kw_only=True)
class Link:
    """A funding source's membership of a concession group. ``expires_at`` is aware, or ``None`` if it never expires."""

    group_id: str
    expires_at: datetime | None
