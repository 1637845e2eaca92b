"""Runs the three processors and the site as real servers, each on a port of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.switchio import Switchio
from tests.inline.service import Inline
from tests.packaging.distribution import ROOT
from tests.ports import free_port
from tests.servers import wait_until

FLOW = "older-adult"
GROUPS = {"littlepay": "group-seniors", "switchio": "OLDER_ADULT", "inline": "SENIOR"}
AGENCIES = {"coast": "littlepay", "valley": "switchio", "harbor": "inline", "island": "switchio", "reef": "switchio"}
"""Each agency's processor. The vault lacks the secrets of the last two; a test adds those of one."""


@dataclass
class Region:
    url: str
    folder: Path
    sandboxes: dict[str, SandboxServer]
    environment: dict[str, str] = field(repr=False)

    def qualifies_at(self, agency: str) -> str:
        """The address where a rider qualifies for the agency's benefit; it leads to the enroll page."""
        return f"{self.url}/qualify/{agency}/{FLOW}/"

    def links(self, processor: str) -> dict[str, Any]:
        links: dict[str, Any] = self.sandboxes[processor].state.groups[GROUPS[processor]].links
        return links

    def told(self) -> str:
        return (self.folder / "log").read_text()

    def put_in_the_vault(self, name: str, secret: str) -> None:
        (self.folder / "vault" / name).write_text(secret)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a Django command, which has a log of its own."""
        return subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def region() -> Iterator[Region]:
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        services = {"littlepay": Littlepay(), "switchio": Switchio(), "inline": Inline()}
        sandboxes = {name: running.enter_context(SandboxServer(service)) for name, service in services.items()}
        options = {name: server.account()["OPTIONS"] for name, server in sandboxes.items()}
        _fill_the_vault(folder / "vault", options)
        site = {
            "vault": str(folder / "vault"),
            "database": str(folder / "db"),
            "log": str(folder / "log"),
            "redirect_hosts": sandboxes["switchio"].service.redirect_hosts,
        }
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.regional.site.settings",
            "REGIONAL_SITE": json.dumps(site),
        }
        for_commands = {**environment, "REGIONAL_SITE": json.dumps({**site, "log": str(folder / "log of commands")})}
        subprocess.run(
            [sys.executable, "-m", "tests.regional.site.fill"],
            input=json.dumps(_rows(options)),
            text=True,
            check=True,
            cwd=ROOT,
            env=environment,
        )
        port = free_port()
        command = [sys.executable, "-m", "django", "runserver", "--insecure", "--noreload", f"127.0.0.1:{port}"]
        with (folder / "server").open("w") as said:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        running.callback(process.wait)
        running.callback(process.terminate)
        wait_until(lambda: "Quit the server" in (folder / "server").read_text(), "the start of the site")
        yield Region(f"http://127.0.0.1:{port}", folder, sandboxes, for_commands)


def _fill_the_vault(vault: Path, options: dict[str, dict[str, Any]]) -> None:
    vault.mkdir()
    switchio = options["switchio"]
    secrets = {
        "littlepay-test-url": options["littlepay"]["BASE_URL"],
        "coast-client-secret": options["littlepay"]["CLIENT_SECRET"],
        "switchio-test-tokenization-url": switchio["TOKENIZATION_URL"],
        "switchio-test-enrollment-url": switchio["ENROLLMENT_URL"],
        "switchio-test-authorization": switchio["AUTHORIZATION"],
        "switchio-test-client-certificate": switchio["CLIENT_CERTIFICATE"],
        "switchio-test-private-key": switchio["PRIVATE_KEY"],
        "switchio-test-ca-certificate": switchio["CA_CERTIFICATE"],
        "valley-tokenization-secret": switchio["API_SECRET"],
        "inline-test-url": options["inline"]["BASE_URL"],
        "harbor-api-key": options["inline"]["API_KEY"],
    }
    for name, secret in secrets.items():
        (vault / name).write_text(secret)


def _rows(options: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    littlepay, switchio, inline = options["littlepay"], options["switchio"], options["inline"]
    of_switchio = {"pto_id": switchio["PTO_ID"], "tokenization_api_key": switchio["API_KEY"]}
    return {
        "LittlepayConfig": [
            {
                "name": "coast",
                "audience": littlepay["AUDIENCE"],
                "client_id": littlepay["CLIENT_ID"],
                "client_secret_name": "coast-client-secret",
            }
        ],
        "SwitchioConfig": [
            {"name": name, "tokenization_api_secret_name": f"{name}-tokenization-secret", **of_switchio}
            for name in ("valley", "island", "reef")
        ],
        "InlineConfig": [{"name": "harbor", "public_key": inline["PUBLIC_KEY"], "api_key_name": "harbor-api-key"}],
        "Agency": [{"slug": slug, "name": f"{slug.title()} Transit", "account": slug} for slug in AGENCIES],
        "Group": [
            {"agency": slug, "flow": FLOW, "group_id": GROUPS[processor]} for slug, processor in AGENCIES.items()
        ],
    }
