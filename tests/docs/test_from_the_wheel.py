"""The blocks of the documentation run with the built wheel, in an environment that has no checkout.

The commands do so in ``test_shell`` and ``test_first_enrollment``, and whole files in ``test_word_for_word`` and
``test_switching``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.distribution import outside_environment, run

from .blocks import FIVE_MINUTES, ROOT, Block, blocks_of, pages

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

ALL_BUT_THE_APP = ("tests", "docs", "example_project", "pyproject.toml", *(path.name for path in ROOT.glob("*.md")))
WALKED = {block.code for block in blocks_of(ROOT / "README.md", section=FIVE_MINUTES)}
"""``test_first_enrollment`` runs them as parts of a whole site."""
# What a deployment or a site would provide.
ENVIRONMENT = {"LITTLEPAY_URL": "https://littlepay.example", "LITTLEPAY_AUDIENCE": "https://littlepay.example"}
ENVIRONMENT |= {
    f"SWITCHIO_{name}": "1"
    for name in (
        "PTO_ID",
        "API_KEY",
        "API_SECRET",
        "AUTHORIZATION",
        "CLIENT_CERTIFICATE",
        "PRIVATE_KEY",
        "CA_CERTIFICATE",
    )
}
ENVIRONMENT |= {
    f"SWITCHIO_{name}": "https://switchio.example" for name in ("TOKENIZATION_URL", "ENROLLMENT_URL", "GATEWAY_HOST")
}
ENVIRONMENT |= {"LITTLEPAY_CLIENT_ID": "id", "LITTLEPAY_CLIENT_SECRET": "secret"}
SETTINGS_SCRIPT = """
import sys, types
from pathlib import Path
from tests.settings import ENROLLMENT_ERRORS, INSTALLED_APPS, TEMPLATES
BASE_DIR = Path()
ADDED_LATER = ("enrollment_errors.accounts", "enrollment_errors.ledger", "enrollment_errors.settling")
INSTALLED_APPS = [name for name in INSTALLED_APPS if name not in ADDED_LATER]
site, enrollment = types.ModuleType("mysite"), types.ModuleType("mysite.enrollment")
from enrollment_errors.adapter import Adapter
enrollment.MyAdapter = type("MyAdapter", (Adapter,), {{"get_enrollment": lambda self, request: None}})
sys.modules |= {{"mysite": site, "mysite.enrollment": enrollment}}
{code}
import tests.settings
for name, value in list(globals().items()):
    if name.isupper():
        setattr(tests.settings, name, value)
import django
from django.core import checks
django.setup()
assert not [message for message in checks.run_checks() if message.level >= checks.ERROR], checks.run_checks()
"""
URLS_SCRIPT = """
import sys, types
import django
django.setup()
{code}
from django.conf import settings
settings.ROOT_URLCONF = sys.modules["__main__"]
from django.core import checks
assert not checks.run_checks(), checks.run_checks()
"""
CODE_SCRIPT = """
import django
django.setup()
{code}
"""


def blocks() -> list[Block]:
    """``test_word_for_word`` and ``test_switching`` run the others, which are whole files."""
    found = [block for page in pages() for block in blocks_of(page)]
    return [block for block in found if block.language == "python" and not block.file and block.code not in WALKED]


@pytest.fixture(scope="module")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation and its tests, in a folder without the app."""
    folder = tmp_path_factory.mktemp("documentation")
    for name in ALL_BUT_THE_APP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def test_the_app_is_the_wheels(documentation, python_for_tests):
    found = run(python_for_tests, "-c", "import enrollment_errors as app; print(app.__file__)", cwd=documentation)
    assert Path(found).is_relative_to(python_for_tests.parent.parent)


@pytest.mark.parametrize("block", blocks(), ids=str)
def test_a_block_runs_in_a_process_of_its_own(documentation, python_for_tests, tmp_path, block):
    """Uses the test site's settings or, if the block has settings, those."""
    if block.code.startswith("# settings"):
        script = SETTINGS_SCRIPT.format(code=block.code)
    elif block.code.startswith("# urls"):
        script = URLS_SCRIPT.format(code=block.code)
    else:
        script = CODE_SCRIPT.format(code=block.code)
    (tmp_path / "block.py").write_text(script)
    done = subprocess.run(
        [python_for_tests, "-W", "error", "block.py"],
        cwd=tmp_path,
        env=outside_environment(**ENVIRONMENT, PYTHONPATH=str(documentation), DJANGO_SETTINGS_MODULE="tests.settings"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"


def test_each_example_does_what_the_words_around_it_say(documentation, python_for_tests):
    kinds = [f"tests/docs/test_documentation.py::{kind}" for kind in ("TestTemplates", "TestStyles")]
    tests = ("tests/docs/test_examples.py", *kinds)
    said = run(python_for_tests, "-m", "pytest", "-p", "no:cacheprovider", *tests, cwd=documentation, timeout=600)
    assert re.match(r"=+ \d+ passed in", said.splitlines()[-1]), said
