"""``make messages`` collects what is new and leaves the rest of each catalog as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import missing

from .catalogs import LOCALES, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the command reads, in a folder of its own."""
    if shutil.which("xgettext") is None:
        missing("xgettext (gettext)")
    for name in ("enrollment_errors", "templates", "locale"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def collect(folder: Path) -> dict[str, bytes]:
    """Runs the command. Returns each catalog."""
    command = ["make", "--assume-old=.venv/installed", f"BIN={Path(sys.executable).parent}", "messages"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return catalogs_in(folder)


def catalogs_in(folder: Path) -> dict[str, bytes]:
    return {locale: (folder / "locale" / locale / "LC_MESSAGES" / "django.po").read_bytes() for locale in LOCALES}


def test_nothing_changes_if_nothing_is_new(copy: Path) -> None:
    before = catalogs_in(copy)
    assert collect(copy) == before


def test_a_new_message_is_all_that_is_new(copy: Path) -> None:
    before = catalogs_in(copy)
    page = copy / "templates" / "enrollment_errors" / "too_many.html"
    page.write_text(f"{page.read_text()}\n{{% translate 'Something that nobody has said before' %}}\n")
    for locale, catalog in collect(copy).items():
        # Without the blank line after the last entry, which the new one may have become.
        new = set(catalog.decode().splitlines()) - set(before[locale].decode().splitlines())
        assert 'msgid "Something that nobody has said before"' in new
        lines = [line for line in new if not line.startswith(("#| ", "#, fuzzy"))]
        assert len([line for line in lines if line.startswith("msgid")]) == 1, (locale, lines)
