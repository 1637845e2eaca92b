from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from enrollment_errors.sandbox.cards import TEST_CARDS
from enrollment_errors.sandbox.server import SandboxServer

COMMAND = [sys.executable, "-m", "django", "enrollment_sandbox", "--settings", "tests.settings", "--pythonpath", "."]


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    arguments = ["--port", "0", "--control-port", "0", "--group", "group-mine"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def read_summary(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while not lines[-1].startswith("Ctrl-C"):
        lines.append(process.stdout.readline())
        assert lines[-1], "it ended before it had said everything"
    return "".join(lines)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_to_use_it_serves_and_ends_cleanly(running: subprocess.Popen[str], ending: signal.Signals) -> None:
    summary = read_summary(running)
    url = summary.split()[4]
    assert f'"BASE_URL": "{url}"' in summary
    assert all(card.name in summary for card in TEST_CARDS)
    assert list(requests.get(f"{url}/sandbox/state", timeout=5).json()["groups"]) == ["group-mine"]
    running.send_signal(ending)
    out, err = running.communicate(timeout=10)
    assert (running.returncode, out, err) == (0, "The sandbox has ended.\n", "")


def test_it_refuses_to_be_reached_from_other_machines() -> None:
    refused = subprocess.run([*COMMAND, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert "0.0.0.0 is not a loopback address" in refused.stderr
    assert "--allow-remote" in refused.stderr


class Person(io.StringIO):
    """Reads the command's output, does something with it, and presses Ctrl-C."""

    def __init__(self, act: Callable[[str], None]) -> None:
        super().__init__()
        self._act = act

    def flush(self) -> None:
        self._act(self.getvalue())
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def signals() -> Iterator[None]:
    """The command sets signal handlers. This restores those of the tests' process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
class TestSummary:
    def test_its_settings_are_those_that_the_sandbox_accepts(self) -> None:
        statuses = []

        def authorize(summary: str) -> None:
            options = dict(re.findall(r'"([A-Z_]+)": "(.+)"', summary))
            credentials = {name: options[name.upper()] for name in ("client_id", "client_secret", "audience")}
            body = {"grant_type": "client_credentials", **credentials}
            statuses.append(
                requests.post(f"{options['BASE_URL']}/api/v1/oauth/token", json=body, timeout=5).status_code
            )

        person = Person(authorize)
        call_command("enrollment_sandbox", port=0, control_port=0, stdout=person)
        assert statuses == [200]
        assert person.getvalue().endswith("The sandbox has ended.\n")

    def test_of_switchio_has_certificates_that_its_servers_accept(self) -> None:
        statuses = []
        files: list[Path] = []

        def ask(summary: str) -> None:
            options = dict(re.findall(r'"([A-Z_]+)": (?:Path\()?"(.+?)"', summary))
            files.extend(Path(options[name]) for name in ("CLIENT_CERTIFICATE", "PRIVATE_KEY", "CA_CERTIFICATE"))
            certificate, key, authority = map(str, files)
            answer = requests.get(
                f"{options['ENROLLMENT_URL']}/api/external/discount/echo",
                headers={"Authorization": options["AUTHORIZATION"]},
                cert=(certificate, key),
                verify=authority,
                timeout=5,
            )
            statuses.append(answer.status_code)

        person = Person(ask)
        call_command("enrollment_sandbox", processor="switchio", port=0, control_port=0, stdout=person)
        assert statuses == [200]
        assert re.search(r'"ALLOWED_REDIRECT_HOSTS": \["127\.0\.0\.1:\d+"\],', person.getvalue())
        assert '"PTO_ID": 42,' in person.getvalue()
        assert not [file for file in files if file.exists()]

    @pytest.mark.parametrize(
        ("named", "groups"),
        [
            ([], {"group-seniors": "Older adults", "group-veterans": "Veterans"}),
            (["group-mine", "group-yours"], {"group-mine": "group-mine", "group-yours": "group-yours"}),
        ],
    )
    def test_it_names_the_groups_that_the_sandbox_starts_with(self, named: list[str], groups: dict[str, str]) -> None:
        there: dict[str, dict[str, str]] = {}

        def ask(summary: str) -> None:
            control = re.search(r"http://\S+/sandbox/state", summary)
            assert control
            there.update(requests.get(control[0], timeout=5).json()["groups"])

        person = Person(ask)
        call_command("enrollment_sandbox", port=0, control_port=0, group=named, stdout=person)
        assert groups.items() <= {group: about["label"] for group, about in there.items()}.items()
        assert all(
            re.search(rf"^  {group} +{label}$", person.getvalue(), re.MULTILINE) for group, label in groups.items()
        )
        assert ("group-seniors" in there) is (not named)

    def test_aligns_the_names_of_long_groups(self) -> None:
        person = Person(lambda summary: None)
        call_command("enrollment_sandbox", port=0, control_port=0, group=["g", "mountain-older-adult"], stdout=person)
        assert "\n  g                     g\n  mountain-older-adult  mountain-older-adult\n" in person.getvalue()


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("option", ["port", "control_port"])
@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_no_machine_has_is_said_in_one_line(option: str, port: int) -> None:
    with pytest.raises(CommandError, match=rf"^--{option.replace('_', '-')} must be from 0 to 65535\.$"):
        call_command("enrollment_sandbox", **{"port": 0, "control_port": 0, option: port})


@pytest.mark.usefixtures("signals")
def test_a_port_that_is_taken_is_said_in_one_line(server: SandboxServer) -> None:
    with pytest.raises(
        CommandError, match=rf"cannot start at 127\.0\.0\.1, port {server.port}: .*in use\. Choose others"
    ):
        call_command("enrollment_sandbox", port=server.port, control_port=0)


@pytest.mark.usefixtures("signals")
def test_a_host_beyond_this_machine_is_refused_in_one_line() -> None:
    with pytest.raises(CommandError, match=r"^The sandbox cannot start\. 0\.0\.0\.0 is not a loopback address"):
        call_command("enrollment_sandbox", host="0.0.0.0", port=0, control_port=0)
