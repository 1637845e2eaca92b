"""What the documentation site changes in a page, so that the same file also reads well in the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/django-enrollment-errors/django-enrollment-errors/blob/main/"

PICTURE = re.compile(r'<img src="([^":]+)" alt="([^"]+)" width="(\d+)">')
"""In Markdown, a picture has no width. As HTML, it has one in the repository too, but MkDocs does not find its file."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """``<!-- README: a heading -->`` is that section of the README. Links lead to pages of the site, if it has them."""
    markdown = re.sub(r"<!-- README: (.+) -->", _section, markdown)
    markdown = PICTURE.sub(r'![\2](\1){ width="\3" }', markdown)
    markdown = markdown.replace(f"]({REPOSITORY}docs/", "](")
    return re.sub(r"\]\(\.\./([^)]+)\)", rf"]({REPOSITORY}\1)", markdown)


def _section(named: re.Match[str]) -> str:
    _, found, rest = (ROOT / "README.md").read_text().partition(f"\n## {named[1]}\n")
    if not found:
        raise ValueError(f"the README has no section {named[1]}")
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
