"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from enrollment_errors.plural import counted


@pytest.mark.parametrize(
    ("number", "nouns", "text"),
    [
        (0, ["probe"], "0 probes"),
        (1, ["probe"], "1 probe"),
        (2, ["probe"], "2 probes"),
        (1, ["switch", "switches"], "1 switch"),
        (2, ["switch", "switches"], "2 switches"),
    ],
)
def test_a_number_has_the_noun_that_fits(number: int, nouns: list[str], text: str) -> None:
    assert counted(number, *nouns) == text
