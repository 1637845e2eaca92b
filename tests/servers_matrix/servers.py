"""The servers that a site may run on, each with the command that serves the site on a file descriptor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bench.serving import GUNICORN
from tests.servers import missing

_WSGI = "bench.site.wsgi"
# The one that pip installs next to Python: the system's uWSGI would need a plugin for each version of Python.
_UWSGI = Path(sys.executable).with_name("uwsgi")
_UWSGI_COMMAND = (
    *(str(_UWSGI), "--module", _WSGI, "--virtualenv", sys.prefix, "--need-app"),
    *("--master", "--die-on-term", "--disable-logging", "--buffer-size", "16384"),
)


@dataclass(frozen=True)
class Server:
    """``needs`` are the Python packages that it requires."""

    needs: tuple[str, ...]
    command: Callable[[int], Sequence[str]]

    def skip_if_missing(self) -> None:
        for package in self.needs:
            if find_spec(package) is None or (package == "pyuwsgi" and not _UWSGI.exists()):
                missing(f"the Python package {package}")


def _gunicorn(*arguments: str) -> Callable[[int], Sequence[str]]:
    return lambda descriptor: [*GUNICORN, *arguments, f"--bind=fd://{descriptor}", _WSGI]


def _uwsgi(*arguments: str) -> Callable[[int], Sequence[str]]:
    return lambda descriptor: [*_UWSGI_COMMAND, *arguments, "--http-socket", f"fd://{descriptor}"]


def _uvicorn(descriptor: int) -> Sequence[str]:
    application = "tests.servers_matrix.asgi:application"
    return [sys.executable, "-m", "uvicorn", "--log-level=warning", f"--fd={descriptor}", application]


SERVERS = {
    "gunicorn, sync": Server(("gunicorn",), _gunicorn("--workers=2")),
    "gunicorn, gthread": Server(("gunicorn",), _gunicorn("--workers=2", "--threads=4")),
    "gunicorn, gevent": Server(("gunicorn", "gevent"), _gunicorn("--workers=2", "--worker-class=gevent")),
    "uvicorn": Server(("uvicorn",), _uvicorn),
    "uWSGI": Server(("pyuwsgi",), _uwsgi("--processes=2")),
    "uWSGI, threads": Server(("pyuwsgi",), _uwsgi("--processes=1", "--enable-threads", "--threads=4")),
}
