"""We test what we publish: the sdist, the wheel, and the wheel in an empty environment."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from .distribution import ROOT, outside_environment, run

pytestmark = pytest.mark.slow

PACKAGE = ROOT / "enrollment_errors"
PAGES = {
    "enroll": 200,
    "success": 200,
    "check_card": 200,
    "too_early": 200,
    "still_checking": 200,
    "system_error": 503,
    "server_error": 500,
    "cannot_enroll": 403,
    "changed": 409,
    "no_more_cards": 409,
    "too_many": 429,
}


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return {name for name in listed.stdout.split("\0") if name and not (ROOT / name).is_dir()}


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def contents_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def rendered(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    script = Path(__file__).with_name("render_every_page.py")
    return json.loads(run(python, "-W", "error", script, cwd=tmp_path_factory.mktemp("elsewhere")))


class TestWheel:
    def test_every_file_of_the_package_is_in_it(self, wheel):
        wanted = tracked("enrollment_errors")
        wanted |= {f"enrollment_errors/{name}" for name in tracked("templates", "locale")}
        assert wanted <= names_in(wheel)

    @pytest.mark.parametrize(
        "name",
        [
            "enrollment_errors/py.typed",
            "enrollment_errors/templates/enrollment_errors/system_error.html",
            "enrollment_errors/locale/es/LC_MESSAGES/django.mo",
            "enrollment_errors/static/enrollment_errors/enrollment.js",
            "enrollment_errors/sandbox/littlepay/card_form.js",
            "enrollment_errors/management/commands/enrollment_sandbox.py",
        ],
    )
    def test_it_has_what_is_no_python_module_too(self, wheel, name):
        assert name in names_in(wheel)

    def test_it_has_the_package_and_nothing_else(self, wheel):
        assert {name.split("/")[0].split("-")[0] for name in names_in(wheel)} == {
            "enrollment_errors",
            "django_enrollment_errors",
        }

    def test_no_file_is_in_it_twice(self, wheel):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        assert sorted(names) == sorted(set(names))

    def test_it_has_no_links(self, wheel):
        with zipfile.ZipFile(wheel) as archive:
            assert not [entry.filename for entry in archive.infolist() if stat.S_ISLNK(entry.external_attr >> 16)]

    def test_every_catalog_is_compiled(self, wheel):
        sources = {name for name in names_in(wheel) if name.endswith(".po")}
        assert sources
        assert {name.replace(".po", ".mo") for name in sources} <= names_in(wheel)

    def test_it_tells_its_license(self, wheel):
        files = contents_of(wheel)
        (metadata,) = (files[name].decode() for name in files if name.endswith("METADATA"))
        assert "License-Expression: Apache-2.0" in metadata
        (license_text,) = (files[name] for name in files if name.endswith("licenses/LICENSE"))
        assert license_text == (ROOT / "LICENSE").read_bytes()

    def test_built_from_the_checkout_it_is_the_same(self, wheel, tmp_path):
        run(
            *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"),
            *("--outdir", tmp_path, ROOT),
            cwd=tmp_path,
        )
        assert contents_of(tmp_path / wheel.name) == contents_of(wheel)


class TestSdist:
    def test_it_has_no_links_and_one_copy_of_templates_and_catalogs(self, dist):
        (sdist,) = dist.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            members = archive.getmembers()
        assert not [member.name for member in members if member.issym() or member.islnk()]
        pages = [member for member in members if member.name.endswith("/enrollment_errors/system_error.html")]
        assert len(pages) == 1
        ours = [member for member in members if "/example_project/" not in member.name]
        assert len([member for member in ours if member.name.endswith("/es/LC_MESSAGES/django.mo")]) == 1

    def test_it_has_the_documentation_without_the_pictures(self, dist):
        (sdist,) = dist.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            names = [name.partition("/")[2] for name in archive.getnames()]
        assert "docs/screens.md" in names
        assert [name for name in names if name.startswith("docs/pictures")] == []


class TestLinks:
    @pytest.mark.parametrize("name", ["templates", "locale"])
    def test_in_a_checkout_the_package_reaches_the_folder_at_the_top(self, name):
        assert (PACKAGE / name).is_symlink()
        assert (PACKAGE / name).resolve() == ROOT / name


INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "enrollment_errors",
    "enrollment_errors.accounts",
    "enrollment_errors.incidents",
    "enrollment_errors.ledger",
    "enrollment_errors.settling",
    "enrollment_errors.watch",
]


@pytest.mark.ci_only
class TestInAnEmptyEnvironment:
    def test_the_package_is_the_installed_one(self, rendered, python):
        assert Path(rendered["package"]).is_relative_to(python.parent.parent)

    def test_every_page_renders_in_every_language(self, rendered):
        languages = {"en", *(folder.name.lower().replace("_", "-") for folder in (ROOT / "locale").iterdir())}
        assert set(rendered) - {"package"} == languages
        for language in languages:
            assert {page: status for page, (status, _) in rendered[language].items()} == PAGES
            for _, html in rendered[language].values():
                assert re.search(rf'<html lang="{language}"', html, re.IGNORECASE)

    def test_every_page_is_translated(self, rendered):
        heading = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
        for language in set(rendered) - {"package", "en"}:
            for page, (_, html) in rendered[language].items():
                (theirs,), (english,) = heading.findall(html), heading.findall(rendered["en"][page][1])
                assert theirs.strip()
                assert theirs != english, f"{page} is English in {language}"

    def test_every_module_can_be_imported_without_the_development_tools(self, python, tmp_path):
        names = sorted(
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for path in PACKAGE.rglob("*.py")
            # These two need django-health-check and Django 6.
            if path.name not in ("__init__.py", "health.py", "tasks.py")
            and not path.is_relative_to(PACKAGE / "testing")
        )
        script = "import sys, importlib, django\nfrom django.conf import settings\n"
        script += f"settings.configure(INSTALLED_APPS={INSTALLED_APPS})\ndjango.setup()\n"
        script += "for name in sys.argv[1:]: importlib.import_module(name)\n"
        subprocess.run([python, "-c", script, *names], cwd=tmp_path, env=outside_environment(), timeout=60, check=True)
