"""A new user with only the README: a bare site, the built wheel, and each step word for word."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.packaging.distribution import outside_environment, run
from tests.ports import accepts, free_port
from tests.waiting import wait_until

from .blocks import FIVE_MINUTES, ROOT, Block, blocks_of

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

INSTALL = "python -m pip install django-enrollment-errors"
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


class Browser:
    """Opens a page and does what its script and the card form do."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exc: object) -> None:
        self.session.close()

    def open(self, url: str) -> requests.Response:
        response = self.session.get(url, timeout=20)
        assert response.status_code == 200, response.text
        return response

    def enroll(self, page: requests.Response) -> requests.Response:
        data = json.loads(re.search(r'id="enrollment-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)[1])
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        for address in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text):
            self.open(urljoin(page.url, address))
        self.open(data["cardForm"]["script"])
        headers = {"X-CSRFToken": csrf, "Referer": page.url}
        made_for = {"made_for": data["madeFor"]}
        asked = self.session.post(urljoin(page.url, data["tokenUrl"]), json=made_for, headers=headers, timeout=20)
        card_token = self.choose_first_card(data["cardForm"]["data"]["envUrl"], asked.json()["token"])
        return self.session.post(
            page.url,
            data={"csrfmiddlewaretoken": csrf, "card_token": card_token, **made_for},
            headers={"Referer": page.url},
            timeout=20,
        )

    def choose_first_card(self, form: str, token: str) -> str:
        headers = {"Authorization": token}
        card = requests.get(f"{form}/card-form/cards", headers=headers, timeout=20).json()[0]["key"]
        answer = requests.post(f"{form}/card-form/use", params={"card": card}, headers=headers, timeout=20).json()
        return str(answer["response"]["token"])


@pytest.fixture
def walk(tmp_path: Path, python: Path) -> Iterator[Walk]:
    run(python, "-m", "django", "startproject", "mysite", tmp_path, cwd=tmp_path)
    walk = Walk(tmp_path, python)
    yield walk
    walk.end()


def test_a_bare_site_reaches_its_first_enrollment_word_for_word(walk):
    first, *rest = blocks_of(ROOT / "README.md", section=FIVE_MINUTES)
    assert first.code.strip() == INSTALL  # already done in the environment that these tests share
    for block in rest:
        walk.follow(block)
    walk.wait_for_servers()
    with Browser() as browser:
        end = browser.enroll(browser.open(f"{walk.site_url}/qualify/"))
    assert end.status_code == 200
    assert end.url.startswith(f"{walk.site_url}/enrollment/success/")
    assert "Mountain Valley Transit" in end.text
    state = requests.get(f"http://127.0.0.1:{walk.ports['sandbox']}/sandbox/state", timeout=20).json()
    assert state["groups"]["group-seniors"]["members"] == 1
