"""Some pages have code blocks that are whole files. Copied into the README's site, with the built wheel, they do what
the page says.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from enrollment_errors.testing.browser_conformance import CardFormConformance
from enrollment_errors.testing.conformance import ProcessorConformance
from tests.packaging.distribution import outside_environment

from .blocks import FIVE_MINUTES, ROOT, blocks_of

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

FOLLOWED = {"docs/testing.md", "docs/adding-a-processor.md", "docs/adapter.md", "docs/switching.md"}
"""Of these, ``test_switching`` follows the last."""
ABUSE = Path(__file__).parent / "abuse_of_in_person.py"


class Site:
    """A folder with a Django site, and nothing in its surroundings that a reader's own site would not have."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.run("-m", "django", "startproject", "mysite", str(folder))

    def follow(self, page: str, *, section: str | None = None) -> None:
        """Writes the files of a page."""
        assert section or page in FOLLOWED
        for block in blocks_of(ROOT / page, section=section):
            if block.language in ("python", "ini", "js") and (section or block.file):
                block.write(self.folder)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.python, "-W", "error", *arguments],
            cwd=self.folder,
            env=outside_environment(),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def passes(self) -> int:
        """Returns how many tests pass. None may fail."""
        said = self.run("-m", "pytest", "-p", "no:cacheprovider")
        end = re.fullmatch(r"=+ (\d+) passed(?:, \d+ skipped)? in .*=+", said.rstrip().splitlines()[-1])
        assert end, said
        return int(end[1])


@pytest.fixture
def site(tmp_path: Path, python_for_tests: Path) -> Site:
    site = Site(tmp_path, python_for_tests)
    site.follow("README.md", section=FIVE_MINUTES)
    return site


def test_a_site_that_copies_the_page_on_testing_has_tests_that_pass(site):
    site.follow("docs/testing.md")
    assert site.passes() == 3


def test_nobody_gets_further_with_the_in_person_site_than_they_should(site):
    site.follow("docs/testing.md")
    site.follow("docs/adapter.md")
    (site.folder / "test_enrollment.py").write_text(ABUSE.read_text())
    assert site.passes() == 22


@pytest.mark.browser
class TestAddingAProcessor:
    @pytest.fixture(autouse=True)
    def our_processor(self, site: Site) -> Path:
        site.follow("docs/adding-a-processor.md")
        (site.folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = mysite.settings\n")
        settings = site.folder / "mysite" / "settings.py"
        settings.write_text(f'{settings.read_text()}\nINSTALLED_APPS += ["mysite"]\n')
        return site.folder / "mysite" / "our_processor.py"

    def test_the_processor_passes_both_halves_of_the_conformance_suite(self, site):
        suites = [*vars(ProcessorConformance), *vars(CardFormConformance)]
        of_other_forms = 2  # the tests for redirects, and for fields within the page
        assert site.passes() > len([name for name in suites if name.startswith("test_")]) - of_other_forms

    @pytest.mark.parametrize(
        ("mistake", "notice"),
        [
            (
                ("None if expires_at is None else expires_at.isoformat()", "None"),
                "test_it_links_a_card_until_an_expiry",
            ),
            (("raise ReplyNotJson", "print"), "test_it_raises_a_processor_error_for_what_it_cannot_read"),
            (("mysite/our_card_form.js", "mysite/card_form.js"), "test_its_adapter_is_a_static_file"),
        ],
    )
    def test_the_suite_notices_a_mistake_in_it(self, site, our_processor, mistake, notice):
        """An example that lost one of these lines would teach every reader the same mistake."""
        code = our_processor.read_text()
        assert mistake[0] in code
        our_processor.write_text(code.replace(*mistake))
        with pytest.raises(AssertionError, match=f"FAILED .*{notice}"):
            site.passes()


@pytest.mark.parametrize(
    ("file", "twin"),
    [
        ("mysite/inline_processor.py", "tests/inline/processor.py"),
        ("mysite/static/mysite/card_fields.js", "tests/inline/static/inline/card_fields.js"),
    ],
)
def test_the_fields_within_the_page_are_those_that_the_tests_try_in_chromium(file, twin):
    [block] = [block for block in blocks_of(ROOT / "docs/adding-a-processor.md") if block.file == file]
    code = block.code.partition("\n")[2]
    assert code.replace("mysite/card_fields.js", "inline/card_fields.js") == (ROOT / twin).read_text()
