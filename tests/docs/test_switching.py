"""A real switch: a site with an enrollment step of its own installs the wheel and follows docs/switching.md, block by
block, over HTTP.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
import requests

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.sinks import TelemetrySink
from tests.packaging.distribution import outside_environment
from tests.waiting import PATIENCE, wait_until

from .blocks import ROOT, Block, blocks_of

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

GUIDE = ROOT / "docs" / "switching.md"
HAND_WRITTEN = Path(__file__).parent / "hand_written"
SECTIONS = re.findall(r"^## (\d\. .+)$", GUIDE.read_text(), re.MULTILINE)
AGENCIES = {"mountain": ("group-seniors", None), "coast": ("group-low-income", 365)}
SERVER = """
import socket, sys
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
listening = socket.socket(fileno=int(sys.argv[1]))
server = ThreadedWSGIServer(listening.getsockname(), WSGIRequestHandler, bind_and_activate=False)
server.socket.close()
server.socket = listening
server.server_name, server.server_port = listening.getsockname()
server.setup_environ()
server.set_app(get_wsgi_application())
server.serve_forever()
"""
DATA = """
from django.contrib.auth.models import Permission, User
from mysite.models import Agency
for slug, (group, days) in {agencies!r}.items():
    Agency.objects.create(
        slug=slug, name=slug.title(), phone="(555) 010-0199", benefit=group.removeprefix("group-"), group=group,
        expires_after=days, processor_url={url!r}, client_id={client_id!r}, audience={audience!r}, secret_name="SECRET",
    )
User.objects.create_superuser("operator", password="operator")
clerk = User.objects.create_user("clerk", password="clerk", is_staff=True)
clerk.user_permissions.add(Permission.objects.get(codename="add_enrolled"))
"""
REPORT = """
from mysite.models import Enrolled
for row in Enrolled.objects.order_by("pk"):
    print(row.agency.slug, "counter" if row.by_staff else "online")
"""


class Site:
    """A copy of the hand-written site, and its server."""

    def __init__(self, folder: Path, python: Path, sandbox: SandboxServer, sink: TelemetrySink) -> None:
        self.folder = folder
        self.python = python
        self.sandbox = sandbox
        self.sink = sink
        # It listens from the first deployment to the last: on a busy machine, a port that is free for a moment is lost.
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.environment = outside_environment(
            PYTHONDONTWRITEBYTECODE="1",
            ANALYTICS_URL=sink.amplitude_url,
            SECRET=sandbox.account()["OPTIONS"]["CLIENT_SECRET"],
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.operator: Visitor | None = None
        shutil.copytree(HAND_WRITTEN, folder, dirs_exist_ok=True)
        self.manage("makemigrations", "mysite")
        self.manage("migrate")
        options = sandbox.account()["OPTIONS"]
        self.shell(
            DATA.format(
                agencies=AGENCIES, url=sandbox.url, client_id=options["CLIENT_ID"], audience=options["AUDIENCE"]
            )
        )

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.python, "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def shell(self, code: str) -> list[str]:
        return self.manage("shell", "--verbosity", "0", "-c", code).splitlines()

    def deploy(self) -> None:
        """Starts the server with the code as it is now."""
        self.stop()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-c", SERVER, str(self.socket.fileno())],
                cwd=self.folder,
                env={**self.environment, "DJANGO_SETTINGS_MODULE": "mysite.settings"},
                pass_fds=[self.socket.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def follow(self, section: str) -> None:
        for block in blocks_of(GUIDE, section=section):
            self.apply(block)

    def apply(self, block: Block) -> None:
        if block.language == "console":
            for line in block.code.splitlines():
                program, *arguments = shlex.split(line)
                if program == "rm":
                    self.remove(*arguments)
                else:
                    assert (program, arguments[0]) == ("python", "manage.py"), line
                    self.manage(*arguments[1:])
        elif replaced := re.search(r"In `([^`]+)`, replace `(\w+)`", block.lead):
            replace(self.folder / replaced[1], replaced[2], block.code)
        elif added := re.search(r"In `([^`]+)`, add to `(\w+)`", block.lead):
            add_to_class(self.folder / added[1], added[2], block.code)
        elif imported := re.search(r"At the top of `([^`]+)`", block.lead):
            path = self.folder / imported[1]
            path.write_text(f"{block.code}\n{path.read_text()}")
        elif deleted := re.search(r"In `([^`]+)`, delete", block.lead):
            path = self.folder / deleted[1]
            for line in block.code.splitlines()[1:]:
                assert f"    {line}\n" in path.read_text(), f"{block}: {line}"
                path.write_text(path.read_text().replace(f"    {line}\n", ""))
        else:
            block.write(self.folder)

    def remove(self, *names: str) -> None:
        for name in names:
            path = self.folder / name
            if name == "-r":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def flags(self, *agencies: str) -> None:
        """An operator ticks the box of these agencies in the list in the admin, and clears it for the others."""
        if self.operator is None:
            self.operator = Visitor(self)
            self.operator.signs_in("operator")
        page = self.operator.get("/admin/mysite/agency/")
        data = dict(re.findall(r'type="hidden" name="(form-[^"]+)" value="([^"]*)"', page.text))
        slugs = re.findall(r"/agency/\d+/change/[^>]*>(\w+)</a>", page.text)
        assert set(slugs) == set(AGENCIES)
        data |= {f"form-{slugs.index(slug)}-uses_app": "on" for slug in agencies}
        saved = self.operator.post(page, {**data, "_save": "Save"})
        assert saved.text.count(" checked") == len(agencies)

    def members(self, agency: str) -> set[str]:
        return set(self.sandbox.state.groups[AGENCIES[agency][0]].links)

    def expiry(self, agency: str, source: str) -> Any:
        return self.sandbox.state.groups[AGENCIES[agency][0]].links[source].expiry

    def events(self, count: int) -> list[dict[str, Any]]:
        """The analytics events since the last time."""
        self.sink.wait_for(amplitude=count, timeout=PATIENCE)
        events = list(self.sink.amplitude_events)
        self.sink.clear()
        return events

    def event(self, **properties: str) -> dict[str, Any]:
        """The properties of the one event that has these among them, as soon as it is there."""

        def found() -> list[dict[str, Any]]:
            all_of_them = [event["event_properties"] for event in list(self.sink.amplitude_events)]
            return [one for one in all_of_them if properties.items() <= one.items()]

        [event] = wait_until(found, f"the event with {properties}")
        return event


def named(text: str, name: str) -> ast.FunctionDef | ast.ClassDef:
    """The function or class of that name."""
    definitions = [node for node in ast.parse(text).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    [found] = [node for node in definitions if node.name == name]
    return found


def replace(path: Path, name: str, code: str) -> None:
    """Puts ``code`` where the function or class ``name`` is. The block's first line only names the file."""
    text = path.read_text()
    old = named(text, name)
    start = min([old.lineno, *(one.lineno for one in old.decorator_list)]) - 1
    lines = text.splitlines(keepends=True)
    path.write_text("".join([*lines[:start], code.partition("\n")[2], *lines[old.end_lineno :]]))


def add_to_class(path: Path, name: str, code: str) -> None:
    text = path.read_text()
    at = max(part.end_lineno or 0 for part in named(text, name).body if isinstance(part, ast.Assign))
    lines = text.splitlines(keepends=True)
    added = [f"    {line}\n" for line in code.splitlines()[1:]]
    path.write_text("".join([*lines[:at], *added, *lines[at:]]))


class Visitor:
    """A browser: it does what the pages' scripts do."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = requests.Session()

    def get(self, path: str) -> requests.Response:
        with self.session as session:
            return session.get(urljoin(self.site.url, path), timeout=PATIENCE)

    def post(self, page: requests.Response, data: dict[str, str], path: str = "") -> requests.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        with self.session as session:
            return session.post(
                urljoin(page.url, path),
                data={"csrfmiddlewaretoken": token[1], **data},
                headers={"Referer": page.url},
                timeout=PATIENCE,
            )

    def signs_in(self, name: str) -> None:
        page = self.get("/admin/login/")
        self.post(page, {"username": name, "password": name, "next": "/"})

    def qualifies(self, agency: str, at: str = "qualify") -> requests.Response:
        """The page on which the card is entered."""
        page = self.post(self.get(f"/{at}/{agency}/"), {})
        assert page.status_code == 200, page.text
        return page

    def enters(self, card: str, page: requests.Response) -> requests.Response:
        return self.enters_in_the_app(card, page) if is_of_the_app(page) else self.enters_in_the_old_step(card, page)

    def enters_in_the_old_step(self, card: str, page: requests.Response) -> requests.Response:
        assert self.get("/step/token/").json()["token"]
        return self.post(page, {"card_token": card})

    def enters_in_the_app(self, card: str, page: requests.Response) -> requests.Response:
        found = re.search(r'id="enrollment-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert found, page.text
        assert csrf
        data = json.loads(found[1])
        headers = {"X-CSRFToken": csrf[1], "Referer": page.url}
        made_for = {"made_for": data["madeFor"]}
        with self.session as session:
            for address, body in (
                ("tokenUrl", made_for),
                ("reportUrl", {**made_for, "event": "started"}),
                ("reportUrl", {**made_for, "event": "tokenized"}),
            ):
                url = urljoin(page.url, data[address])
                session.post(url, json=body, headers=headers, timeout=PATIENCE).raise_for_status()
        return self.post(page, {**made_for, "card_token": card})


def inputs(page: requests.Response) -> dict[str, str]:
    """The hidden inputs of the app's form."""
    return dict(re.findall(r'<input type="hidden" name="(made_for)" value="([^"]*)"', page.text))


def is_of_the_app(page: requests.Response) -> bool:
    return 'class="enrollment' in page.text


def is_enrolled(page: requests.Response) -> bool:
    return page.status_code == 200 and "/success/" in page.url


@pytest.fixture
def site(tmp_path: Path, python_for_tests: Path) -> Iterator[Site]:
    with SandboxServer() as sandbox, TelemetrySink() as sink:
        site = Site(tmp_path, python_for_tests, sandbox, sink)
        try:
            yield site
        finally:
            site.stop()
            site.socket.close()
            print((tmp_path / "server.log").read_text())  # pytest shows it if the test fails


class Riders:
    """The riders of the story. Each has a new card, unless it is given."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cards = 0

    def new_card(self) -> tuple[str, str]:
        """The card token, and the id of the card at the processor."""
        self.cards += 1
        token = f"card-token-{self.cards}"
        return token, self.site.sandbox.state.add_card(token)

    def enroll(self, agency: str, *, by: str, at: str = "qualify", rider: Visitor | None = None) -> tuple[str, str]:
        """Somebody enrolls, by the ``app`` or the ``old step``, and the card is linked then."""
        token, source = self.new_card()
        rider = rider or Visitor(self.site)
        page = rider.qualifies(agency, at)
        assert is_of_the_app(page) == (by == "app"), page.text
        end = rider.enters(token, page)
        assert is_enrolled(end), end.text
        assert is_of_the_app(end) == (by == "app")
        assert source in self.site.members(agency)
        return token, source

    def clerk(self) -> Visitor:
        clerk = Visitor(self.site)
        clerk.signs_in("clerk")
        return clerk


def names(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["event_type"] for event in events)


def values(events: list[dict[str, Any]], name: str) -> set[Any]:
    return {event["event_properties"].get(name) for event in events}


STEPS = ("started card tokenization", "finished card tokenization", "returned enrollment")


def test_a_site_switches_goes_back_switches_again_and_deletes_its_own_step(site):
    riders = Riders(site)
    site.deploy()

    # Before the switch.
    old_card, old_source = riders.enroll("mountain", by="old step")
    dated_card, dated_source = riders.enroll("coast", by="old step")
    riders.enroll("mountain", by="old step", at="counter", rider=riders.clerk())
    old_events = site.events(9)
    assert names(old_events) == dict.fromkeys(STEPS, 3)
    assert values(old_events, "enrollment_method") == {"digital", "in_person"}

    # The app is installed beside the old step, and nobody gets there.
    for section in SECTIONS[:5]:
        site.follow(section)
    site.deploy()
    riders.enroll("mountain", by="old step")
    site.follow(SECTIONS[5])
    site.deploy()
    riders.enroll("mountain", by="old step")
    curious = Visitor(site)
    curious.qualifies("mountain")
    assert curious.get("/enrollment/").status_code == 403
    site.events(6)

    # One agency switches, while a rider is on the old step's page.
    between = Visitor(site)
    page = between.qualifies("mountain")
    site.flags("mountain")
    token, source = riders.new_card()
    end = between.enters_in_the_old_step(token, page)
    assert is_enrolled(end)
    assert source in site.members("mountain")
    site.events(3)
    rider = Visitor(site)
    app_card, app_source = riders.enroll("mountain", by="app", rider=rider)
    app_events = site.events(3)
    assert names(app_events) == dict.fromkeys(STEPS, 1)
    assert values(app_events, "enrollment_method") == {"self_service"}
    riders.enroll("coast", by="old step")
    assert values(site.events(3), "enrollment_method") == {"digital"}

    # Both steps call the same visitor by the same name.
    visitor = {event["user_id"] for event in app_events}
    again = rider.enters(old_card, rider.qualifies("mountain"))
    assert is_enrolled(again)
    assert "already" in again.text
    events = site.events(3)
    assert {event["user_id"] for event in events} == visitor
    assert site.expiry("mountain", old_source) is None

    # What staff have seen counts at the counter, and not online.
    clerk = riders.clerk()
    riders.enroll("mountain", by="app", at="counter", rider=clerk)
    assert values(site.events(3), "enrollment_method") == {"in_person"}
    assert clerk.get("/enrollment/").status_code == 403
    assert rider.get("/counter-enrollment/").status_code == 200  # the page on which staff sign in
    assert "/admin/login/" in rider.get("/counter-enrollment/").url

    # Back again, while a rider is on the app's page, and another one does not know yet.
    unsure, lost_card = Visitor(site), riders.new_card()
    site.sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
    site.sandbox.faults.set("groups", Fault(kind="status", status=503))
    checking = unsure.enters(lost_card[0], unsure.qualifies("mountain"))
    assert "/still-checking/" in checking.url
    site.sandbox.faults.clear()
    between = Visitor(site)
    page = between.qualifies("mountain")
    site.flags()
    token, source = riders.new_card()
    links = site.sandbox.calls["link"]
    end = between.post(page, {**inputs(page), "card_token": token})
    assert end.status_code == 403
    assert "start again" in end.text
    assert site.sandbox.calls["link"] == links
    end = between.enters(token, between.qualifies("mountain"))
    assert is_enrolled(end)
    assert not is_of_the_app(end)
    assert source in site.members("mountain")
    link = site.sandbox.state.groups["group-seniors"].links[app_source]
    met = Visitor(site)
    end = met.enters(app_card, met.qualifies("mountain"))
    assert is_enrolled(end)
    assert not is_of_the_app(end)
    assert site.sandbox.state.groups["group-seniors"].links[app_source] is link
    end = unsure.post(checking, inputs(checking))
    assert is_enrolled(end)
    assert is_of_the_app(end)

    # Everybody switches. A benefit that has not expired is not enrolled again.
    site.flags("mountain", "coast")
    riders.enroll("mountain", by="app")
    _, source = riders.enroll("coast", by="app")
    by_app, by_old_step = site.expiry("coast", source), site.expiry("coast", dated_source)
    assert abs(by_app - by_old_step) <= timedelta(days=1)  # the test may run at midnight
    assert by_app.astimezone(ZoneInfo("America/Los_Angeles")).time() == time()
    early = Visitor(site)
    end = early.enters(dated_card, early.qualifies("coast"))
    assert "/too-early/" in end.url
    assert site.expiry("coast", dated_source) == by_old_step
    returned = site.event(error="reenrollment_too_early")
    assert returned["status"] == "error"

    # The old step is deleted, while a rider is on its page.
    site.flags()
    between = Visitor(site)
    page = between.qualifies("coast")
    site.flags("mountain", "coast")
    site.follow(SECTIONS[-1])
    site.deploy()
    token, source = riders.new_card()
    page = between.post(page, {"card_token": token})
    assert is_of_the_app(page)
    assert source not in site.members("coast")
    assert is_enrolled(between.enters(token, page))
    assert source in site.members("coast")
    riders.enroll("mountain", by="app")
    riders.enroll("coast", by="app")
    riders.enroll("coast", by="app", at="counter", rider=riders.clerk())
    site.manage("makemigrations", "--check", "--dry-run")
    site.manage("delete_old_enrollments")
    assert Counter(site.shell(REPORT)) == {
        "mountain online": 11,
        "mountain counter": 2,
        "coast online": 5,
        "coast counter": 1,
    }
