"""The documentation works: its code runs, its settings load, its commands exist, and its links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import get_commands
from django.template import engines

from . import processors_page
from .blocks import ROOT, blocks_of, pages
from .settings_page import PAGE, written
from .test_word_for_word import FOLLOWED

BLOCKS = [block for page in pages() for block in blocks_of(page)]
REPOSITORY = "https://github.com/django-enrollment-errors/django-enrollment-errors"
MANAGE = re.compile(r"manage\.py (\w+)")
OTHER_PROGRAMS = {"curl", "gunicorn", "make", "django-admin", "rm"}


def of(*languages: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for block in BLOCKS if block.language in languages]


class TestCommands:
    @pytest.mark.parametrize("block", of("console"))
    def test_each_names_something_that_is_there(self, block):
        for line in block.code.replace("\\\n", " ").splitlines():
            program, *arguments = shlex.split(line)
            assert program == "python" or program in OTHER_PROGRAMS, line
            if program == "make":
                assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
            elif arguments[:1] == ["manage.py"]:
                assert arguments[1] in get_commands(), line
            elif program == "python":
                assert arguments[:3] == ["-m", "pip", "install"], line

    def test_a_crontab_names_commands_that_are_there(self):
        named = {name for block in BLOCKS if block.language == "text" for name in MANAGE.findall(block.code)}
        assert {"watch_enrollment", "settle_enrollments", "prune_enrollments"} <= named
        assert named <= set(get_commands())

    def test_what_is_posted_to_the_sandbox_is_what_it_takes(self, sandbox):
        import requests

        bodies = [body for block in BLOCKS for body in re.findall(r"/sandbox/faults -d '(.*)'", block.code)]
        assert bodies
        for body in bodies:
            answer = requests.post(f"{sandbox.control_url}/sandbox/faults", json=json.loads(body), timeout=5)
            assert answer.status_code == 204


class TestTemplates:
    @pytest.mark.parametrize("block", of("django"))
    def test_it_is_a_template(self, block):
        engines["django"].from_string(block.code)


class TestStyles:
    @pytest.mark.parametrize("block", of("css"))
    def test_it_sets_properties_that_the_pages_read(self, block):
        read = Path(finders.find("enrollment_errors/enrollment.css")).read_text()
        properties = re.findall(r"^\s+(--[\w-]+):", block.code, re.MULTILINE)
        assert properties
        assert [name for name in properties if f"var({name}" not in read] == []


class TestPages:
    def test_no_block_is_of_a_kind_that_nobody_tests(self):
        tested = {"python", "console", "django", "css", "text"}
        assert {block.language for block in BLOCKS if not block.file} <= tested

    def test_every_block_that_is_a_file_is_tried_in_a_site(self):
        assert {block.page for block in BLOCKS if block.file} == FOLLOWED

    @pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
    def test_every_link_leads_to_a_file(self, page):
        links = re.findall(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)", page.read_text())
        missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
        assert not missing

    def test_the_readme_leads_from_the_package_index_too(self):
        """The package index shows it without the repository around it."""
        links = re.findall(r"\]\(([^)#\s]+)", (ROOT / "README.md").read_text())
        ours = re.compile(rf"{REPOSITORY}/blob/main/(.+)")
        inside = [match[1] for link in links if (match := ours.fullmatch(link))]
        assert [link for link in links if not link.startswith("https://")] == []
        assert len(inside) > 10
        assert [name for name in inside if not (ROOT / name).is_file()] == []

    def test_every_test_that_only_ci_runs_is_named_to_those_who_contribute(self):
        marked = {
            str(path.relative_to(ROOT))
            for path in (ROOT / "tests").rglob("test_*.py")
            if "mark.ci_only" in path.read_text() and path != Path(__file__)
        }
        told = (ROOT / "CONTRIBUTING.md").read_text().partition("make test-ci`:")[2].partition("##")[0]
        assert set(re.findall(r"^\| `(tests/[\w/]+\.py)`", told, re.MULTILINE)) == marked

    def test_every_page_is_in_the_index(self):
        index = (ROOT / "docs/index.md").read_text()
        assert not [
            page.name
            for page in (ROOT / "docs").glob("*.md")
            if page.name not in index.replace("index.md", "") and page.name != "index.md"
        ]

    def test_the_settings_page_is_what_the_settings_say(self):
        assert PAGE.read_text() == written(), "run python -m tests.docs.settings_page"

    def test_the_processors_page_is_what_the_processors_say(self):
        assert processors_page.PAGE.read_text() == processors_page.written(), "run python -m tests.docs.processors_page"
