"""A bare Django site in an environment with the built wheel, whose developer follows the documentation."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.packaging.distribution import outside_environment, run
from tests.ports import accepts, free_port
from tests.waiting import wait_until

from .blocks import Block

SERVERS = {"runserver": "{site}", "enrollment_sandbox": "--port {sandbox} --control-port 0"}


class Walk:
    """Does what the README says, word for word except for the ports, which may be in use on this machine."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.ports = {"site": free_port(), "sandbox": free_port()}
        self.servers: list[subprocess.Popen[bytes]] = []

    @property
    def site_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['site']}"

    def follow(self, block: Block) -> None:
        block = replace(block, code=self.with_ports(block.code))
        if block.language == "console":
            for command in block.code.splitlines():
                self.type(command)
        else:
            block.write(self.folder)

    def with_ports(self, text: str) -> str:
        return text.replace("8000", str(self.ports["site"])).replace("8900", str(self.ports["sandbox"]))

    def type(self, command: str) -> None:
        program, *arguments = shlex.split(command)
        assert program == "python", f"what is {program}?"
        server = SERVERS.get(arguments[-1])
        if server is None:
            run(self.python, *arguments, cwd=self.folder)
        else:
            self.start(arguments, server.format(**self.ports).split())

    def start(self, arguments: list[str], ports: list[str]) -> None:
        with (self.folder / f"{arguments[-1]}.log").open("wb") as log:
            process = subprocess.Popen(
                [self.python, *arguments, *ports],
                cwd=self.folder,
                env=outside_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # runserver has a child process, which must end with it
            )
        self.servers.append(process)

    def wait_for_servers(self) -> None:
        for port in self.ports.values():
            wait_until(lambda port=port: accepts(port), f"the start of the server at {port}")

    def end(self) -> None:
        for process in self.servers:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for log in self.folder.glob("*.log"):
            print(log.read_text())  # pytest shows it if the test fails
