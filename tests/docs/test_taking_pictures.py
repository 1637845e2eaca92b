"""The command that takes the pictures of the documentation takes each of them, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.servers import missing

from .blocks import ROOT
from .test_pictures import LARGEST, shown

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci_only]


def test_it_takes_each_picture_that_the_documentation_shows(tmp_path) -> None:
    if shutil.which("chromium") is None:
        missing("Chromium (a program named chromium on the PATH)")
    command = [sys.executable, "-m", "tests.docs.pictures", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    taken = {picture.name: picture.stat().st_size for picture in tmp_path.iterdir()}
    assert set(taken) == {address.rpartition("/")[2] for _, address, _ in shown()}
    assert [name for name, size in taken.items() if size > LARGEST] == []


def test_make_pictures_puts_them_where_the_documentation_looks() -> None:
    assert re.search(r"^pictures:.*\n\t\S+/python -m tests\.docs\.pictures$", (ROOT / "Makefile").read_text(), re.M)
