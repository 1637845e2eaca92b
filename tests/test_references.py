"""Riders read a reference aloud and operators type it: it is found in spite of their mistakes."""

from __future__ import annotations

import pytest

from enrollment_errors.references import _READINGS, ALPHABET, new_reference, readings


def test_a_new_reference_is_nine_signs_of_the_alphabet_in_three_groups():
    for _ in range(100):
        groups = new_reference().split("-")
        assert [len(group) for group in groups] == [3, 3, 3]
        assert set("".join(groups)) <= set(ALPHABET)


def test_two_are_never_the_same():
    assert len({new_reference() for _ in range(1_000)}) == 1_000


def test_what_stands_on_the_page_is_found_as_itself_first():
    for _ in range(100):
        reference = new_reference()
        assert readings(reference)[0] == reference


@pytest.mark.parametrize(
    "typed",
    [
        "H7P-2QX-9MR",
        "h7p-2qx-9mr",
        "H7P2QX9MR",
        "  h7p 2qx 9mr ",
        "H7P–2QX—9MR",
        "h 7 p, 2 q x, 9 m r.",
        "H7P_2QX/9MR",
        "#H7P-2QX-9MR",
        "H7P\u00a02QX\u00a09MR",
        "Ｈ７Ｐ－２ＱＸ－９ＭＲ",
    ],
)
def test_spaces_signs_and_case_are_forgiven(typed):
    assert readings(typed) == ["H7P-2QX-9MR"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("H7P-20X-9MR", "H7P-2QX-9MR"),
        ("H7P-2OX-9MR", "H7P-2QX-9MR"),
        ("H7P-2DX-9MR", "H7P-2QX-9MR"),
        ("H7P-ZQX-9MR", "H7P-2QX-9MR"),
        ("H7P-2QX-9NR", "H7P-2QX-9MR"),
        ("H1P-2QX-9MR", "H7P-2QX-9MR"),
        ("HLP-2QX-9MR", "H7P-2QX-9MR"),
        ("H7B-2QX-9MR", "H7P-2QX-9MR"),
        ("H7P-2QK-9MR", "H7P-2QX-9MR"),
        ("H7P-2UX-9MR", "H7P-2QX-9MR"),
        ("S4W-GXR-2CC", "F4W-GXR-2CC"),
        ("S4W-GXR-2CC", "54W-GXR-2CC"),
        ("F4W-6XR-2GG", "F4W-GXR-2CC"),
        ("BAU-GXR-2CC", "84V-GXR-2CC"),
        ("EIY-GXR-TCC", "F7V-GXR-7CC"),
    ],
)
def test_what_looks_or_sounds_like_another_is_forgiven(typed, meant):
    assert meant in readings(typed)


def test_every_letter_and_digit_that_no_reference_has_can_be_one_that_it_has():
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert set(_READINGS) == set(signs)
    assert {meant for sign in signs for meant in _READINGS[sign]} <= set(ALPHABET)


@pytest.mark.parametrize(
    "typed", ["", "H7P", "H7P-2QX-9M", "H7P-2QX-9MRR", "H7P-2QX-9MÜ", "Lopez, Maria", "EEE-EEE-EEE"]
)
def test_what_cannot_be_a_reference_or_could_be_any_is_none(typed):
    assert readings(typed) == []
