"""Each command of the documentation, typed into a bare site that followed the README, with the built wheel."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.packaging.distribution import outside_environment, run
from tests.ports import free_port
from tests.waiting import wait_until

from .bare_site import Walk
from .blocks import FIVE_MINUTES, ROOT, Block, blocks_of, pages

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

ELSEWHERE = {"make", "curl", "django-admin"}
"""Programs whose commands other tests run: those of make and of the demo, and what curl posts to the sandbox."""
SWITCH = ROOT / "docs" / "switching.md"
"""Its commands are for a site with an enrollment step of its own: ``test_switching`` types them."""
DEPLOYED = """
INSTALLED_APPS += [f"enrollment_errors.{name}" for name in ("accounts", "ledger", "settling", "watch")]
STATIC_ROOT = BASE_DIR / "static"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": BASE_DIR / "cache"}
}
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}
"""
STAFF = """
from django.contrib.auth import get_user_model
from enrollment_errors.staff import staff_id
print(staff_id(str(get_user_model().objects.create_user("ana").pk)))
"""


def blocks() -> list[Any]:
    found = [block for page in pages() if page != SWITCH for block in blocks_of(page) if block.language == "console"]
    walked = {block.code for block in blocks_of(ROOT / "README.md", section=FIVE_MINUTES)}
    return [
        pytest.param(block, id=str(block))
        for block in found
        if block.code not in walked and shlex.split(block.code)[0] not in ELSEWHERE
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("site")
    python = folder / "environment" / "bin" / "python"
    run(sys.executable, "-m", "venv", folder / "environment", cwd=folder)
    install(python, dist, "django-enrollment-errors", "gunicorn")
    run(python, "-m", "django", "startproject", "mysite", ".", cwd=folder)
    walk = Walk(folder, python)
    for block in blocks_of(ROOT / "README.md", section=FIVE_MINUTES):
        if block.language != "console":
            walk.follow(block)
    settings = folder / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + DEPLOYED)
    run(python, "manage.py", "migrate", cwd=folder)
    walk.type("python manage.py enrollment_sandbox")
    del walk.ports["site"]  # nobody has started one
    walk.wait_for_servers()
    yield walk
    walk.end()


def install(python: Path, dist: Path, *arguments: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--find-links", dist, *arguments]
    subprocess.run(command, env=outside_environment(), timeout=300, check=True)


def in_the_future(command: str) -> str:
    """The documentation's dates were in the future when somebody wrote them."""
    days = {"--from": 1, "--until": 2}
    for option, days_ahead in days.items():
        moment = f"{datetime.now() + timedelta(days=days_ahead):%Y-%m-%dT%H:%M}"
        command = re.sub(rf"{option} \S+T\S+", f"{option} {moment}", command)
    return command


@pytest.mark.parametrize("block", blocks())
def test_a_command_does_what_it_says(site: Walk, dist: Path, block: Block) -> None:
    for line in block.code.replace("\\\n", " ").splitlines():
        command = in_the_future(line).replace("--account mountain", "--account littlepay")
        program, *arguments = shlex.split(command, comments=True)
        if program == "gunicorn":
            serves(site, arguments)
        elif arguments[0] == "-m":
            install(site.python, dist, *arguments[3:])
        elif "--every" in arguments:
            runs_until_it_is_told_to_end(site, arguments)
        elif arguments[1] == "enrollment_verified_by":
            staff = run(site.python, "manage.py", "shell", "-v", "0", "-c", STAFF, cwd=site.folder).split()[-1]
            assert run(site.python, *arguments[:2], staff, cwd=site.folder).strip() == "ana"
        else:
            run(site.python, *arguments, cwd=site.folder)


def serves(site: Walk, arguments: list[str]) -> None:
    port = free_port()
    command = [site.python.parent / "gunicorn", *arguments, f"--bind=127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=site.folder, env=outside_environment(), stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/qualify/"), "gunicorn's first page")
        finally:
            server.terminate()
    assert server.returncode == 0


def answers(url: str) -> bool:
    try:
        return "Enroll your contactless card" in requests.get(url, timeout=20).text
    except requests.ConnectionError:
        return False


def runs_until_it_is_told_to_end(site: Walk, arguments: list[str]) -> None:
    with subprocess.Popen(
        [site.python, "-u", *arguments], cwd=site.folder, env=outside_environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        process.terminate()  # not SIGINT, which a process ignores if a shell started the tests in the background
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
