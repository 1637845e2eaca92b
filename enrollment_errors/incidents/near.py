"""The references that a rider may have read out, if one was misheard or mistyped, the nearest first."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import chain, combinations, islice, product

from django.utils.translation import gettext

from ..references import ALPHABET, GROUP_SIZE, GROUPS, grouped, plain, readings

LENGTH = GROUPS * GROUP_SIZE
MOST_NEAR = 3_000
"""Maximum references to look up at once. With 100,000 incidents, one search in 1,700 finds one by chance."""

# The signs in each group sound alike on the phone.
_SOUND_ALIKE = ("3CGPV", "FX5", "X6", "FMHX", "H8", "QW2", "GJ", "JR", "59", "9J", "34")
_HEARD: dict[str, str] = {
    sign: "".join(sorted({other for group in _SOUND_ALIKE if sign in group for other in group} - {sign}))
    for sign in ALPHABET
}


def near(typed: str) -> list[str]:
    """References that differ from ``typed`` by one or two misheard signs, or by one slip: a wrong, swapped, missing or
    additional sign. Empty if ``typed`` is too short or too long for that."""
    signs = plain(typed)
    found: dict[str, None] = {}
    candidates: Iterator[str]
    if len(signs) == LENGTH:
        literal = [plain(reading) for reading in readings(typed)]
        candidates = chain(
            chain.from_iterable(_misheard(reading, 1) for reading in literal),
            chain.from_iterable(_slipped(reading) for reading in literal[:4]),
            chain.from_iterable(_misheard(reading, 2) for reading in literal),
        )
    elif len(signs) == LENGTH - 1:
        candidates = _with_one_more(signs)
    elif len(signs) == LENGTH + 1:
        candidates = (signs[:place] + signs[place + 1 :] for place in range(len(signs)))
    else:
        return []
    for candidate in islice(candidates, MOST_NEAR):
        # If a sign was missing or extra, the other signs may still be look-alikes.
        found.update(dict.fromkeys([candidate] if len(signs) == LENGTH else map(plain, readings(candidate)[:4])))
    return [grouped(candidate) for candidate in found]


def difference(typed: str, reference: str) -> str:
    """How ``reference`` differs from what was ``typed``, in words: ``P, not V, in place 3``."""
    heard, is_ = plain(typed), plain(reference)
    if len(heard) != len(is_):
        changes = SequenceMatcher(None, heard, is_, autojunk=False).get_opcodes()
        return "; ".join(
            _differs(is_[c:d] or gettext("nothing"), heard[a:b] or gettext("nothing"), c + 1)
            for tag, a, b, c, d in changes
            if tag != "equal"
        )
    return "; ".join(
        _differs(right, wrong, place)
        for place, (wrong, right) in enumerate(zip(heard, is_, strict=True), start=1)
        if right != wrong
    )


def _differs(right: str, wrong: str, place: int) -> str:
    words = gettext("%(right)s, not %(wrong)s, in place %(place)s")
    return words % {"right": right, "wrong": wrong, "place": place}


def _misheard(signs: str, times: int) -> Iterator[str]:
    for places in combinations(range(LENGTH), times):
        for others in product(*(_HEARD[signs[place]] for place in places)):
            changed = list(signs)
            for place, other in zip(places, others, strict=True):
                changed[place] = other
            yield "".join(changed)


def _slipped(signs: str) -> Iterator[str]:
    for place in range(LENGTH - 1):
        yield signs[:place] + signs[place + 1] + signs[place] + signs[place + 2 :]
    for place, other in product(range(LENGTH), ALPHABET):
        yield signs[:place] + other + signs[place + 1 :]


def _with_one_more(signs: str) -> Iterator[str]:
    for place, other in product(range(LENGTH), ALPHABET):
        yield signs[:place] + other + signs[place:]
