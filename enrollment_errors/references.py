"""The reference of a failure: short, and easy to read aloud on the phone.

Nine characters in three groups, ``H7P-2QX-9MR``, from an alphabet without look-alikes (no 0, 1, B, D, I, L, O, S, Z)
and without vowels, so that no word comes out. That is 5·10¹¹ of them: among 100,000 kept failures, the chance that any
two share one is about 1 %.
"""

from __future__ import annotations

import secrets

ALPHABET = "23456789CFGHJMPQRVWX"
GROUPS, GROUP_SIZE = 3, 3


def new_reference() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_SIZE)) for _ in range(GROUPS))
