"""The tests on every supported Python and Django: ``make matrix`` runs all, ``make matrix-lowest`` the lowest of each,
``make newest`` one with whatever has just been released.

An interpreter that this machine does not have is told as skipped, with its name. uv makes the environments.
"""

import os
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

# pyenv's own commands do not find a version that is not switched on, so its folders are searched by themselves.
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([*map(str, _PYENV.glob("versions/3.1*/bin")), os.environ["PATH"]])
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

SUPPORTED = [
    *((python, "5.2") for python in ("3.10", "3.11", "3.12", "3.13", "3.14")),
    *((python, django) for django in ("6.0", "6.1") for python in ("3.12", "3.13", "3.14")),
]
LOWEST = ("3.10", "5.2", "lowest")
_THIS_PYTHON = "{}.{}".format(*sys.version_info)
NOTHING_TO_RUN = 5
"""Exit status of pytest."""
TESTS = ("python", "-m", "pytest", "-n", "auto", "-m", "not browser")


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
    constraints = _constraints(session, django, lowest=dependencies == "lowest")
    session.install("--editable", ".[dev,docs]", "--constraint", constraints)
    session.run(*TESTS, *session.posargs)


def _constraints(session: nox.Session, django: str, *, lowest: bool) -> str:
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text(f"Django~={django}.0\n")
    if lowest:
        compiled = session.run_install(
            *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--extra", "testing"),
            *("--constraint", str(constraints), "pyproject.toml"),
            silent=True,
        )
        constraints.write_text(str(compiled))
    return str(constraints)


@nox.session
@nox.parametrize("python,django", SUPPORTED)
def bare(session: nox.Session, django: str) -> None:
    """Without any extra: the package installed as a site does it renders every page in every language."""
    session.install(".", f"Django~={django}.0")
    session.run("python", "-W", "error", "tests/packaging/render_every_page.py", silent=True)


@nox.session
def newest(session: nox.Session) -> None:
    """With the newest releases and pre-releases that our bounds allow, of everything, on the Python that runs nox.

    Where tests fail, the same tests run once more with the lowest versions, where nothing changes but our own code: so
    it is known whose failure it is.
    """
    # Each time what is newest then, and not what an earlier run has left.
    session.install("--upgrade", "--prerelease", "allow", "--editable", ".[dev,docs]")
    session.run("uv", "pip", "freeze", external=True)
    tests = (*TESTS, "-o", f"cache_dir={Path(session.create_tmp()).resolve() / 'failed'}")
    try:
        session.run(*tests, *session.posargs)
    except CommandFailed:
        session.warn("Tests failed. The same tests run once more, with the lowest versions:")
    else:
        return
    django = next(django for python, django in SUPPORTED if python == _THIS_PYTHON)
    session.install("--editable", ".[dev,docs]", "--constraint", _constraints(session, django, lowest=True))
    try:
        session.run(*tests, "--last-failed", "--last-failed-no-failures", "none", success_codes=[0, NOTHING_TO_RUN])
    except CommandFailed:
        session.error("The failure is OURS: the same tests fail with the lowest versions too. Run make test to see it.")
    session.error("A DEPENDENCY HAS CHANGED: the tests pass with its lowest version and fail with its newest one.")
