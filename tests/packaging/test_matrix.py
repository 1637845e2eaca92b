"""The matrix runs every version that the package promises to support."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .distribution import ROOT

pytestmark = pytest.mark.slow


def promised(wheel: Path, framework: str) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    return set(re.findall(rf"^Classifier: {re.escape(framework)} :: (\d+\.\d+)$", metadata, re.MULTILINE))


def test_the_matrix_has_every_python_and_django_that_the_wheel_promises(wheel):
    printed = subprocess.run(
        [sys.executable, "-c", "import json, noxfile; print(json.dumps(noxfile.SUPPORTED))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    pythons, djangos = zip(*json.loads(printed.stdout), strict=True)
    assert set(pythons) == promised(wheel, "Programming Language :: Python")
    assert set(djangos) == promised(wheel, "Framework :: Django")
