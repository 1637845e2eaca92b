"""The reference of a failure: short, and easy to read aloud on the phone.

It has nine characters in three groups, ``H7P-2QX-9MR``. The alphabet has no vowels, so references do not spell words,
and leaves out most characters that look or sound like another. There are 5·10¹¹ references: among 100,000 kept
failures, the chance that any two share one is about 1 %.

In the address of a page, the reference is signed in the same alphabet. So a web server's rules that look for ``.env``
or ``.com`` anywhere in an address find nothing.
"""

from __future__ import annotations

import secrets
import unicodedata
from itertools import product
from math import prod

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

ALPHABET = "23456789CFGHJMPQRVWX"
GROUPS, GROUP_SIZE = 3, 3
SIGNATURE = 19
"""The length of a signature in characters: 82 bits."""

# What a typed character may stand for: itself, if references can contain it, then characters that look like it, in
# print or by hand, then those that sound like it on the phone.
_READINGS = {
    **{character: character for character in ALPHABET},
    "6": "6G",
    "C": "CG",
    "G": "G6C",
    "0": "Q",
    "1": "7J",
    "A": "48J",
    "B": "8PV",
    "D": "QPGCV",
    "E": "F3CGPV",
    "I": "J7",
    "K": "XJ",
    "L": "7J",
    "N": "MH",
    "O": "Q",
    "S": "5FX",
    "T": "7P3",
    "U": "VQW",
    "Y": "VX",
    "Z": "2C",
}
_MOST_READINGS = 3_000


def new_reference() -> str:
    length = GROUPS * GROUP_SIZE
    return grouped(_spelled(secrets.randbelow(len(ALPHABET) ** length), length))


def readings(typed: str) -> list[str]:
    """The references that someone may mean by typing this, such as on the phone, the literal one first.

    Spaces, dashes, other signs and case do not count. The list is empty if this cannot be a reference, or could be
    nearly any. A few hundred readings do no harm: among a million references, the chance that a second one of them
    exists is about one in a thousand.
    """
    possible = [_READINGS.get(sign, "") for sign in plain(typed)]
    if len(possible) != GROUPS * GROUP_SIZE or prod(map(len, possible)) > _MOST_READINGS:
        return []
    return [grouped("".join(signs)) for signs in product(*possible)]


def plain(typed: str) -> str:
    """Only the letters and digits of ``typed``, in upper case."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", typed).upper() if sign.isalnum())


def signed(reference: str, page: str) -> str:
    """``reference``, signed for the address of ``page`` only."""
    return f"{reference}-{_signature(reference, page, settings.SECRET_KEY)}"


def unsigned(text: str, page: str) -> str | None:
    """The reference in the address of ``page``, or ``None`` if this site did not sign it."""
    reference, _, signature = text.rpartition("-")
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if constant_time_compare(signature, _signature(reference, page, key)):
            return reference
    return None


def _signature(reference: str, page: str, key: str | bytes) -> str:
    mac = salted_hmac(f"enrollment_errors.address.{page}", reference, secret=key, algorithm="sha256").digest()
    return _spelled(int.from_bytes(mac, "big"), SIGNATURE)


def _spelled(number: int, length: int) -> str:
    """The last ``length`` digits of ``number`` in our alphabet, the lowest first."""
    signs = ""
    for _ in range(length):
        number, position = divmod(number, len(ALPHABET))
        signs += ALPHABET[position]
    return signs


def grouped(signs: str) -> str:
    return "-".join(signs[start : start + GROUP_SIZE] for start in range(0, len(signs), GROUP_SIZE))
