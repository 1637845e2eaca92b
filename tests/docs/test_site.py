"""The documentation as a site: every link leads somewhere, every page is in the navigation, and nothing is loaded from
another host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .blocks import ROOT

pytestmark = [
    pytest.mark.ci_only,
    # The newest versions of MkDocs's plugins that run on Python 3.10 do not work with one another.
    pytest.mark.skipif(sys.version_info < (3, 11), reason="The site is built with Python 3.11 or newer"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_is_built_with_every_page_and_without_a_broken_link(site) -> None:
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert {page.parent.name for page in site.glob("*/index.html")} == pages
    assert "Every outcome redirects to its own page" in (site / "design-decisions" / "index.html").read_text()


def test_leads_a_reader_of_the_first_page_through_the_readmes_steps(site) -> None:
    page = (site / "first-enrollment" / "index.html").read_text()
    assert "manage.py enrollment_sandbox" in page
    assert 'href="../installation/"' in page


def test_says_what_the_docstrings_say(site) -> None:
    from enrollment_errors.adapter import Adapter

    said = " ".join(re.sub(r"<[^>]+>", "", (site / "python" / "index.html").read_text()).split())
    promised = " ".join(str(Adapter.get_enrollment.__doc__).split("``")[0].split()[:6])
    assert promised in said


def test_finds_a_word(site) -> None:
    assert "SETTLING_HOURS" in (site / "search" / "search_index.json").read_text()


def test_loads_nothing_from_another_host(site) -> None:
    loaded = [
        (page.parent.name, address)
        for page in site.rglob("*.html")
        for address in re.findall(
            r"<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=\"?((?:https?:)?//[^\s\">]+)", page.read_text()
        )
    ]
    assert loaded == []
    assert [sheet.name for sheet in site.rglob("*.css") if re.search(r"url\(.?https?:", sheet.read_text())] == []
