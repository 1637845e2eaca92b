"""Runs commands in their own processes, and ends each by its own id."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Running:
    """A process and the file that it writes to."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_until(self, ready: Callable[[], object]) -> None:
        """Raises ``RuntimeError`` with the process's output if it ends first, or is not ready within half a minute."""
        until = time.monotonic() + 30
        while not ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self._process.args} is not ready. It said:\n{self.said}")
            time.sleep(0.05)


@contextmanager
def running(
    command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> Iterator[Running]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
        )
    try:
        yield Running(process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
