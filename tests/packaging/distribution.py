"""What a user gets: the sdist, the wheel, and a separate environment with the wheel. A test run makes them once."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def run(*command: str | Path, cwd: Path, timeout: float = 240) -> str:
    """Returns what the command prints. If it fails, the error shows all of its output."""
    done = subprocess.run(
        command, cwd=cwd, env=outside_environment(), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{command} said: {done.stdout}\n{done.stderr}"
    return done.stdout


def outside_environment(**more: str) -> dict[str, str]:
    """The environment without variables that lead back into this checkout."""
    ours = ("PYTHONPATH", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "COV_CORE_SOURCE", "PYTHONSTARTUP")
    return {name: value for name, value in os.environ.items() if name not in ours} | more


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with one sdist and the wheel that was built from it."""
    return _once(
        tmp_path_factory,
        "dist",
        lambda folder: run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder),
    )


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Path:
    """The interpreter of an environment in which only the README's first command has run."""
    return _environment(tmp_path_factory, dist, "environment", "django-enrollment-errors")


@pytest.fixture(scope="session")
def python_for_tests(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Path:
    """The interpreter of an environment with the wheel and what a site's tests, and ours of the documentation, need."""
    needed = ("django-enrollment-errors[testing,demo]", "playwright", "hypothesis", "time-machine")
    return _environment(tmp_path_factory, dist, "environment-for-tests", *needed)


def _environment(tmp_path_factory: pytest.TempPathFactory, dist: Path, name: str, *needed: str) -> Path:
    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder, cwd=folder)
        environment = outside_environment(PIP_FIND_LINKS=f"{os.environ.get('PIP_FIND_LINKS', '')} {dist}")
        subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *needed],
            cwd=folder,
            env=environment,
            timeout=300,
            check=True,
        )

    return _once(tmp_path_factory, name, install) / "bin" / "python"


def _once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that all workers of a parallel run share. The first worker that needs it makes it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / f"{name}.made").exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            (root / f"{name}.made").touch()
    return folder
