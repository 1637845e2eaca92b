"""The example is also the reference installation: it is small, and has nothing that a real site would not have."""

from __future__ import annotations

import ast
import gettext
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .running import EXAMPLE_PROJECT

ASK_FOR_THE_SECRET = (
    "from enrollment_errors.account_directory import get_account;print(get_account('harbor').options['CLIENT_SECRET'])"
)
SITE = [EXAMPLE_PROJECT / "manage.py", *sorted((EXAMPLE_PROJECT / "example").glob("*.py"))]


def manage(*arguments: str, database: Path, **environment: str) -> str:
    """What the site's ``manage.py`` prints with only these settings in the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LITTLEPAY_")}
    more = {"PYTHONPATH": str(EXAMPLE_PROJECT.parent), "DJANGO_SETTINGS_MODULE": "example.settings"}
    run = subprocess.run(
        [sys.executable, EXAMPLE_PROJECT / "manage.py", *arguments],
        env={**kept, **more, "DATABASE": str(database), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "db.sqlite3"


def test_the_site_has_less_than_420_lines_of_python() -> None:
    lines = [line.strip() for source in SITE for line in source.read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith("#")]) < 420


def test_the_site_knows_nothing_of_the_demo_around_it() -> None:
    files = [*SITE, *(EXAMPLE_PROJECT / "example").rglob("*.html")]
    assert [file.name for file in files if re.search(r"\b(demo|sandbox)\b", file.read_text(), re.IGNORECASE)] == []


def test_the_site_passes_djangos_checks_without_the_demo(database: Path) -> None:
    manage("check", "--fail-level", "WARNING", database=database)


def test_nothing_of_the_sites_schema_is_missing_from_its_migrations(database: Path) -> None:
    manage("makemigrations", "--check", "--dry-run", database=database)


@pytest.mark.ci_only
def test_a_deployment_with_its_agencies_in_the_environment_finds_them_in_its_database(database: Path) -> None:
    environment = {
        "LITTLEPAY_URL": "https://processor.example",
        "LITTLEPAY_CLIENT_ID_HARBOR": "harbors-client",
        "LITTLEPAY_CLIENT_SECRET_HARBOR": "s3cr3t",
    }
    manage("migrate", database=database, **environment)
    rows = json.loads(manage("dumpdata", "example", "enrollment_accounts", database=database))
    accounts = {row["fields"]["name"]: row for row in rows if row["model"] == "enrollment_accounts.account"}
    agencies = {row["fields"]["slug"]: row for row in rows if row["model"] == "example.agency"}
    assert sorted(agencies) == sorted(accounts) == ["harbor", "mountain"]
    assert agencies["harbor"]["fields"]["account"] == accounts["harbor"]["pk"]
    assert accounts["harbor"]["fields"]["is_active"]
    assert accounts["harbor"]["fields"]["options"] == {
        "BASE_URL": "https://processor.example",
        "AUDIENCE": "https://littlepay.example",
        "CARD_FORM_URL": "https://verify.qa.littlepay.com",
        "CLIENT_ID": "harbors-client",
        "CLIENT_SECRET": "LITTLEPAY_CLIENT_SECRET_HARBOR",
    }
    told = manage("shell", "-v0", "-c", ASK_FOR_THE_SECRET, database=database, **environment)
    assert told.strip() == "s3cr3t"


@pytest.mark.ci_only
def test_a_deployment_that_never_had_an_agency_begins_without_one(database: Path) -> None:
    manage("migrate", database=database)
    assert json.loads(manage("dumpdata", "example", "enrollment_accounts", database=database)) == []


def messages(folder: Path) -> set[str]:
    """The texts marked for translation in the folder's Python and templates."""
    found = set()
    for source in folder.rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call))
        marked = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "_")
        found |= {text.value for text in marked if isinstance(text, ast.Constant)}
    for template in folder.rglob("*.html"):
        text = template.read_text()
        found |= set(re.findall(r'{% translate "(.+?)" %}', text))
        blocks = re.findall(r"{% blocktranslate.*?%}(.+?){% endblocktranslate %}", text)
        found |= {re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in blocks}
    return found


@pytest.mark.parametrize("folder", ["example", "demo"])
def test_every_text_is_there_in_spanish(folder: str) -> None:
    compiled = EXAMPLE_PROJECT / folder / "locale" / "es" / "LC_MESSAGES" / "django.mo"
    with compiled.open("rb") as file:
        spanish = gettext.GNUTranslations(file)
    wanted = messages(EXAMPLE_PROJECT / folder)
    assert wanted
    assert {message for message in wanted if spanish.gettext(message) == message} == set()


@pytest.mark.parametrize("folder", ["example", "demo"])
def test_no_spanish_text_is_one_that_nobody_asks_for(folder: str) -> None:
    """Such a text could also replace one of the app's own, because this site's catalog comes first."""
    compiled = EXAMPLE_PROJECT / folder / "locale" / "es" / "LC_MESSAGES" / "django.mo"
    with compiled.open("rb") as file:
        known = set(gettext.GNUTranslations(file)._catalog) - {""}  # type: ignore[attr-defined]
    assert known - messages(EXAMPLE_PROJECT / folder) == set()
