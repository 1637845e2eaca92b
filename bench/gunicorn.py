"""The site of a measurement under gunicorn."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .caches import LOCAL_MEMORY, Cache
from .processes import ROOT, Running, running
from .riders import get


class Site:
    def __init__(self, port: int, process: Running) -> None:
        self.port = port
        self._process = process

    @property
    def circuits_opened(self) -> list[float]:
        """When, in epoch seconds: once for a cache that is shared, once a process for one that is not."""
        return [float(moment) for moment in re.findall(r"^circuit opened at (\S+)$", self._process.said, re.MULTILINE)]


@contextmanager
def site(
    processor_url: str,
    *,
    workers: int = 2,
    threads: int = 1,
    cache: Cache = LOCAL_MEMORY,
    limits: Mapping[str, Any] | None = None,
    application: str = "bench.site.wsgi",
    preload: bool = False,
) -> Iterator[Site]:
    """``threads`` above 1 is gunicorn's threaded worker. ``limits`` are settings of ours."""
    # The listening socket is handed over, so that nobody can take the port meanwhile, with the queue of gunicorn's own.
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        told = {
            "processor_url": processor_url,
            "cache": {**cache, "KEY_PREFIX": Path(folder).name},  # nothing is left of the site before
            "limits": limits or {},
            "database": f"{folder}/db",
        }
        environment = {"DJANGO_SETTINGS_MODULE": "bench.site.settings", "BENCH_SITE": json.dumps(told)}
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
        subprocess.run(migrate, check=True, cwd=ROOT, env={**os.environ, **environment})  # noqa: S603 - our own command
        command = [sys.executable, "-m", "gunicorn", application, "--config=bench/site/gunicorn.py"]
        command += [f"--workers={workers}", f"--threads={threads}", f"--bind=fd://{listener.fileno()}"]
        command += ["--preload"] if preload else []
        port = listener.getsockname()[1]
        with running(command, Path(folder) / "log", env=environment, pass_fds=[listener.fileno()]) as process:
            listener.close()
            process.wait_until(lambda: process.said.count("site loaded") == (1 if preload else workers))
            process.wait_until(lambda: get(port, "/other/").status == 200)
            yield Site(port, process)
