"""The documentation's Python and templates run with the built wheel in an empty environment, not only in the checkout.

The commands do so in ``test_shell`` and ``test_first_enrollment``, and whole files in ``test_word_for_word``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.packaging.distribution import run

from .blocks import ROOT, blocks_of, pages

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

ALL_BUT_THE_APP = ("tests", "docs", "example_project", "pyproject.toml", *(path.name for path in ROOT.glob("*.md")))
RUN_THE_BLOCKS = (
    "tests/docs/test_examples.py",
    "tests/docs/test_documentation.py::TestPython",
    "tests/docs/test_documentation.py::TestTemplates",
)


@pytest.fixture
def documentation(tmp_path: Path) -> Path:
    """The documentation and its tests, in a folder without the app."""
    for name in ALL_BUT_THE_APP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_every_block_runs_from_the_wheel(documentation: Path, python_for_tests: Path) -> None:
    blocks = [block for page in pages() for block in blocks_of(page) if not block.file]
    found = run(python_for_tests, "-c", "import enrollment_errors as app; print(app.__file__)", cwd=documentation)
    assert Path(found).is_relative_to(python_for_tests.parent.parent)

    said = run(
        python_for_tests, "-m", "pytest", "-p", "no:cacheprovider", *RUN_THE_BLOCKS, cwd=documentation, timeout=600
    )

    passed = re.match(r"=+ (\d+) passed in", said.splitlines()[-1])
    assert passed, said
    assert int(passed[1]) > len([block for block in blocks if block.language in ("python", "django")])
