"""The names by which riders know the card schemes. They are brands, so nobody translates them."""

from __future__ import annotations

_NAMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "maestro": "Maestro",
    "amex": "American Express",
    "americanexpress": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "dinersclub": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "interac": "Interac",
}


def scheme_name(scheme: str | None) -> str:
    """``Visa`` for a processor's or a site's ``visa`` or ``VISA``; empty for a scheme that the list does not have."""
    return _NAMES.get("".join(filter(str.isalnum, (scheme or "").lower())), "")
