"""The pictures of the documentation: each is there, small, shown, and described for those who do not see it."""

from __future__ import annotations

import re
import struct

import pytest

from .blocks import PICTURES, ROOT, pages

pytestmark = pytest.mark.skipif(
    not PICTURES.is_dir() and not (ROOT / ".git").exists(), reason="The sdist does not have the pictures"
)

LARGEST = 80_000
"""Bytes. Those who read on a phone pay for each of them."""
SHOWN = re.compile(r'!\[([^\]]*)\]\(([^)]+)\)|<img src="([^"]+)"(?: alt="([^"]*)")?')
"""In Markdown, or as HTML with a width."""
RAW = "https://raw.githubusercontent.com/django-enrollment-errors/django-enrollment-errors/main/docs/"


def shown() -> list[tuple[str, str, str]]:
    """The page, the address and the alternative text of each picture."""
    return [
        (page.name, shown[2] or shown[3], shown[1] or shown[4] or "")
        for page in pages()
        for shown in SHOWN.finditer(page.read_text())
    ]


def test_the_readme_shows_one_from_the_package_index_too() -> None:
    assert [address for page, address, _ in shown() if page == "README.md"] == [f"{RAW}pictures/riders.png"]


def test_each_that_is_shown_is_there_and_each_that_is_there_is_shown() -> None:
    assert {address.removeprefix(RAW) for _, address, _ in shown()} == {
        f"pictures/{picture.name}" for picture in PICTURES.iterdir()
    }


def test_each_has_a_text_for_those_who_do_not_see_it() -> None:
    too_short = [(page, address) for page, address, text in shown() if len(text.split()) < 8]
    assert too_short == []


def test_one_with_a_width_is_written_as_the_site_reads_it() -> None:
    """Which otherwise does not find the file."""
    as_html = re.compile(r"<img\b[^>]*>")
    written = [tag for page in pages() for tag in as_html.findall(page.read_text())]
    assert written
    assert [tag for tag in written if not re.fullmatch(r'<img src="[^":]+" alt="[^"]+" width="\d+">', tag)] == []


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*")), ids=lambda picture: picture.name)
def test_it_is_a_small_png_with_a_palette(picture) -> None:
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, _, kind = struct.unpack_from(">IIBB", content, 16)
    assert (kind, width > 300, height > 300) == (3, True, True)
    assert len(content) <= LARGEST
