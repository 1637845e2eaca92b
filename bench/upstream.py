"""The transit processor of a measurement: the sandbox in its own process, so that nobody waits for its GIL."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from .processes import running


class Upstream:
    def __init__(self, url: str, control_url: str) -> None:
        self.url = url
        self.control_url = control_url

    def fail(self, **faults: Mapping[str, Any]) -> None:
        """Sets faults by endpoint, or for ``all`` of them. They replace earlier ones."""
        self.mend()
        self._control("POST", "faults", {{"all": "*"}.get(name, name): fault for name, fault in faults.items()})

    def mend(self) -> None:
        self._control("DELETE", "faults")

    def end_calls(self) -> None:
        """Ends the calls that hang, and mends the processor."""
        self.fail(all={"kind": "down"})
        self.mend()

    def add_group(self, group: str, members: int) -> None:
        self._control("POST", "groups", {"id": group, "members": members})

    def add_card(self, card_token: str) -> None:
        self._control("POST", "cards", {"token": card_token})

    @property
    def calls(self) -> int:
        return sum(self._state()["calls"].values())

    @property
    def connections(self) -> int:
        """How many connections have carried calls, not counting those of the control."""
        return int(self._state()["connections"])

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._control("GET", "state").json()
        return state

    def _control(self, method: str, action: str, body: object = None) -> requests.Response:
        response = requests.request(method, f"{self.control_url}/sandbox/{action}", json=body, timeout=30)
        response.raise_for_status()
        return response


@contextmanager
def upstream() -> Iterator[Upstream]:
    command = [sys.executable, "-m", "django", "enrollment_sandbox", "--port", "0", "--control-port", "0"]
    with (
        TemporaryDirectory() as folder,
        running(command, Path(folder) / "log", env={"DJANGO_SETTINGS_MODULE": "bench.site.settings"}) as process,
    ):
        process.wait_until(lambda: "Ctrl-C ends it" in process.said)
        [url] = re.findall(r"listens at +(\S+)", process.said)
        [control_url] = re.findall(r"Control it at +(\S+)/sandbox/state", process.said)
        yield Upstream(url, control_url)
