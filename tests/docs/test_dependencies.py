"""docs/dependencies.md lists every dependency, and every name that the package uses but nobody promises to keep."""

from __future__ import annotations

import ast
import re

import pytest

from .blocks import ROOT
from .foreign_names import PACKAGE, imported, overridden, reached_for

PAGE = ROOT / "docs/dependencies.md"
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if line.startswith(("| urllib3 ", "| http.client ", "| requests ", "| sentry_sdk ", "| Django "))
]
NAMES = {name for _, name, *_ in ROWS}


PROJECT = (ROOT / "pyproject.toml").read_text()
DEPENDENCIES = ast.literal_eval(PROJECT.partition("\ndependencies = ")[2].partition("\n]")[0] + "]")
EXTRAS = re.findall(
    r"^(\w+) = \[", PROJECT.partition("[project.optional-dependencies]")[2].partition("\n[")[0], re.MULTILINE
)


class TestWhatIsInstalled:
    def test_each_dependency_is_told_with_its_bounds(self) -> None:
        installed = PAGE.read_text().partition("## Extras")[0]
        told = re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|", installed, re.MULTILINE)
        assert ["".join(each) for each in told] == DEPENDENCIES

    def test_each_extra_is_told(self) -> None:
        told = re.findall(
            r"^\| `(\w+)` \|", PAGE.read_text().partition("## Extras")[2].partition("##")[0], re.MULTILINE
        )
        assert told == EXTRAS == ["testing", "demo", "docs", "dev"]


class TestWhatIsPromisedByNobody:
    def test_each_method_in_the_place_of_one_of_theirs_is_told(self) -> None:
        assert overridden() - NAMES == set()

    def test_each_name_with_a_leading_underscore_is_told(self) -> None:
        assert reached_for() - NAMES == set()

    @pytest.mark.parametrize("library", ["amplitude", "cryptography", "requests", "sentry_sdk", "urllib3"])
    def test_each_import_is_told_here_or_among_what_is_documented(self, library: str) -> None:
        told = set(re.findall(r"`([\w.]+)`", PAGE.read_text()))
        assert imported(library) - told - {library} == set()

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
    def test_what_is_told_is_used_where_it_says_and_watched_by_a_test_that_is_there(self, row: list[str]) -> None:
        _, name, module, why, test = row
        assert why
        assert re.search(rf"\b{name.rpartition('.')[2]}\b", (PACKAGE / module).read_text()), module
        file, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text(), test
