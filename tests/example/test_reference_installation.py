"""The example doubles as the reference installation: small, and nothing in it that a site would not write."""

from __future__ import annotations

import gettext
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .running import EXAMPLE_PROJECT

SITE = [EXAMPLE_PROJECT / "manage.py", *sorted((EXAMPLE_PROJECT / "example").glob("*.py"))]


def test_the_site_has_less_than_300_lines_of_python() -> None:
    lines = [line.strip() for source in SITE for line in source.read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith("#")]) < 300


def test_the_site_knows_nothing_of_the_demo_around_it() -> None:
    files = [*SITE, *(EXAMPLE_PROJECT / "example").rglob("*.html")]
    assert [file.name for file in files if re.search(r"\b(demo|sandbox)\b", file.read_text(), re.IGNORECASE)] == []


def test_the_site_passes_djangos_checks_without_the_demo() -> None:
    run = subprocess.run(
        [sys.executable, EXAMPLE_PROJECT / "manage.py", "check", "--fail-level", "WARNING"],
        env={**os.environ, "PYTHONPATH": str(EXAMPLE_PROJECT.parent), "DJANGO_SETTINGS_MODULE": "example.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def messages(folder: Path) -> set[str]:
    """What is marked for translation in the folder's Python and templates."""
    found = set()
    for source in folder.rglob("*.py"):
        found |= set(re.findall(r'\b_\(\s*"(.+?)"\s*\)', source.read_text()))
    for template in folder.rglob("*.html"):
        text = template.read_text()
        found |= set(re.findall(r'{% translate "(.+?)" %}', text))
        blocks = re.findall(r"{% blocktranslate.*?%}(.+?){% endblocktranslate %}", text)
        found |= {re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in blocks}
    return found


@pytest.mark.parametrize("folder", ["example", "demo"])
def test_every_text_is_there_in_spanish(folder: str) -> None:
    compiled = EXAMPLE_PROJECT / folder / "locale" / "es" / "LC_MESSAGES" / "django.mo"
    with compiled.open("rb") as file:
        spanish = gettext.GNUTranslations(file)
    wanted = messages(EXAMPLE_PROJECT / folder)
    assert wanted
    assert {message for message in wanted if spanish.gettext(message) == message} == set()
