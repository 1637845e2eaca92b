"""Runs the site of a measurement, under gunicorn or another server."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .caches import LOCAL_MEMORY, Cache
from .processes import ROOT, Running, running
from .riders import get

GUNICORN = (sys.executable, "-m", "gunicorn", "--config=bench/site/gunicorn.py")


class Site:
    def __init__(self, port: int, process: Running) -> None:
        self.port = port
        self._process = process

    @property
    def circuits_opened(self) -> list[float]:
        """When circuits opened, in epoch seconds: once if the cache is shared, otherwise once for each process."""
        return [float(moment) for moment in re.findall(r"^circuit opened at (\S+)$", self._process.said, re.MULTILINE)]


def made_ready(
    folder: Path,
    processor_url: str,
    *,
    cache: Cache,
    limits: Mapping[str, Any] | None = None,
    settings: str = "bench.site.settings",
    told: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Creates a site's database in ``folder``. Returns the environment of the site's processes."""
    site = {
        "processor_url": processor_url,
        "cache": {**cache, "KEY_PREFIX": folder.name},  # nothing is left from the previous site
        "limits": limits or {},
        "database": f"{folder}/db",
        **(told or {}),
    }
    environment = {"DJANGO_SETTINGS_MODULE": settings, "BENCH_SITE": json.dumps(site)}
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
    subprocess.run(migrate, check=True, cwd=ROOT, env={**os.environ, **environment})  # noqa: S603 - our own command
    return environment


@contextmanager
def served(
    command: Callable[[int], Sequence[str]],
    processor_url: str,
    *,
    ready: Callable[[str], object] = lambda said: True,
    cache: Cache = LOCAL_MEMORY,
    limits: Mapping[str, Any] | None = None,
    settings: str = "bench.site.settings",
    told: Mapping[str, Any] | None = None,
) -> Iterator[Site]:
    """``command`` gets the file descriptor to listen on. ``ready`` gets the server's output so far.

    ``limits`` are settings of this app. ``told`` are other values for the module ``settings``.
    """
    # The server gets the open socket, so that nobody can take the port meanwhile. The backlog is gunicorn's default.
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        environment = made_ready(Path(folder), processor_url, cache=cache, limits=limits, settings=settings, told=told)
        port, descriptor = listener.getsockname()[1], listener.fileno()
        with running(command(descriptor), Path(folder) / "log", env=environment, pass_fds=[descriptor]) as process:
            listener.close()
            process.wait_until(lambda: ready(process.said))
            process.wait_until(lambda: get(port, "/other/").status == 200)
            yield Site(port, process)


def site(
    processor_url: str,
    *,
    workers: int = 2,
    threads: int = 1,
    cache: Cache = LOCAL_MEMORY,
    limits: Mapping[str, Any] | None = None,
    application: str = "bench.site.wsgi",
    preload: bool = False,
) -> AbstractContextManager[Site]:
    """Runs the site under gunicorn, with its threaded worker if ``threads`` is above 1."""
    command = [*GUNICORN, f"--workers={workers}", f"--threads={threads}", *(["--preload"] if preload else [])]
    return served(
        lambda descriptor: [*command, f"--bind=fd://{descriptor}", application],
        processor_url,
        ready=lambda said: said.count("site loaded") == (1 if preload else workers),
        cache=cache,
        limits=limits,
    )
