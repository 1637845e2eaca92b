"""The tests on every supported Python and Django: ``make matrix`` runs all, ``make matrix-lowest`` the lowest of each.

An interpreter that this machine does not have is told as skipped, with its name. uv makes the environments.
"""

import os
from pathlib import Path

import nox

# pyenv's own commands do not find a version that is not switched on, so its folders are searched by themselves.
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([*map(str, _PYENV.glob("versions/3.1*/bin")), os.environ["PATH"]])
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

SUPPORTED = [
    *((python, "5.2") for python in ("3.10", "3.11", "3.12", "3.13")),
    *((python, django) for django in ("6.0", "6.1") for python in ("3.12", "3.13")),
]
LOWEST = ("3.10", "5.2", "lowest")


@nox.session
@nox.parametrize(
    "python,django,dependencies",
    [
        nox.param(*row, tags=["lowest"] if row == LOWEST else [])
        for row in ((*versions, dependencies) for versions in SUPPORTED for dependencies in ("lowest", "highest"))
    ],
)
def tests(session: nox.Session, django: str, dependencies: str) -> None:
    """Everything but the browser's tests: other tests compare what the pages send. Arguments go to pytest."""
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text(f"Django~={django}.0\n")
    if dependencies == "lowest":
        lowest = session.run_install(
            *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--extra", "testing"),
            *("--constraint", str(constraints), "pyproject.toml"),
            silent=True,
        )
        constraints.write_text(str(lowest))
    session.install("--editable", ".[dev]", "--constraint", str(constraints))
    session.run("python", "-m", "pytest", "-n", "auto", "-m", "not browser", *session.posargs)


@nox.session
@nox.parametrize("python,django", SUPPORTED)
def bare(session: nox.Session, django: str) -> None:
    """Without any extra: the package installed as a site does it renders every page in every language."""
    session.install(".", f"Django~={django}.0")
    session.run("python", "-W", "error", "tests/packaging/render_every_page.py", silent=True)
