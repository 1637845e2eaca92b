"""The card form in a real browser, on a page with another origin and a strict content security policy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from enrollment_errors.sandbox.cards import TEST_CARDS
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.handler import Handler, Reply, Request
from enrollment_errors.sandbox.loopback import LoopbackServer
from enrollment_errors.sandbox.server import SandboxServer
from tests.servers import missing

pytestmark = pytest.mark.browser

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HTML = """<!DOCTYPE html>
<html lang="en"><head><title>Enroll</title></head>
<body data-token="{token}"><main><h1>Enroll</h1><button id="enroll">Enroll</button><p id="heard"></p></main>
<script src="{sandbox}/assets/js/littlepay.min.js"></script><script src="/page.js"></script></body></html>"""
SCRIPT = b"""
const heard = [];
const hear = (...what) => {
  heard.push(what);
  document.getElementById("heard").textContent = JSON.stringify(heard);
};
document.addEventListener("securitypolicyviolation", (event) => hear("violation", event.violatedDirective));
window.attach = (authorization) => {
  const options = { authorization, element: "#enroll" };
  for (const name of ["onTokenize", "onVerificationFailure", "onError", "onCancel"]) {
    options[name] = (response) => hear(name, response === undefined ? null : response);
  }
  littlepay(options);
};
attach(document.body.dataset.token);
"""


class Site(LoopbackServer):
    """Serves a page that follows the card form's documentation."""

    endpoints = ()

    def __init__(self, sandbox: SandboxServer) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.token = sandbox.state.issue_form_token()

    def endpoint_of(self, request: Request) -> None:
        return None

    def reply_to(self, request: Request, handler: Handler) -> Reply:
        if request.target == "/page.js":
            return Reply(200, SCRIPT, "text/javascript")
        if request.target != "/":
            return Reply(404)
        html = HTML.format(token=self.token, sandbox=self.sandbox.url).encode()
        policy = f"default-src 'none'; script-src 'self' {self.sandbox.url}; connect-src {self.sandbox.url}"
        return Reply(200, html, "text/html; charset=utf-8", {"Content-Security-Policy": policy})


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    executable = shutil.which("chromium")
    if executable is None:
        missing("Chromium (a program named chromium on the PATH)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser.new_page()
        browser.close()


@pytest.fixture
def site(server: SandboxServer) -> Iterator[Site]:
    with Site(server) as site:
        yield site


@pytest.fixture
def page(window: Page, site: Site) -> Page:
    window.goto(site.url)
    return window


def heard(page: Page) -> list[list[Any]]:
    """Waits for the first callback. Returns all so far, each with its argument."""
    expect(page.locator("#heard")).not_to_be_empty()
    return json.loads(page.locator("#heard").text_content() or "")


def choose(page: Page, name: str) -> list[list[Any]]:
    page.get_by_role("button", name="Enroll").click()
    page.get_by_label("Test card").select_option(name)
    page.get_by_role("button", name="Continue").click()
    return heard(page)


def test_a_card_gives_a_token_that_the_api_knows(page: Page, server: SandboxServer) -> None:
    ((callback, response),) = choose(page, "Visa debit, enrolls normally")
    assert callback == "onTokenize"
    assert server.state.card(response["token"]).scheme == "visa"
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_double_click_opens_one_dialog(page: Page) -> None:
    page.get_by_role("button", name="Enroll").dblclick()
    page.get_by_label("Test card").select_option("Visa debit, enrolls normally")
    page.get_by_role("button", name="Continue").click()
    assert [callback for callback, _ in heard(page)] == ["onTokenize"]
    page.get_by_role("button", name="Enroll").click()
    expect(page.get_by_role("dialog")).to_have_count(1)


def test_each_use_is_another_card(page: Page, server: SandboxServer) -> None:
    choose(page, "Visa debit, enrolls normally")
    page.reload()
    choose(page, "Visa debit, enrolls normally")
    assert len(server.state.cards) == len(server.state.funding_sources) == 2


@pytest.mark.parametrize("name", ["Mastercard, already enrolled", "Visa, enrolled for another 180 days"])
def test_a_card_can_be_enrolled_already(page: Page, server: SandboxServer, name: str) -> None:
    ((_, response),) = choose(page, name)
    memberships = server.state.groups_of(server.state.card(response["token"]).id)
    assert [group.id for group, _ in memberships] == list(server.state.groups)
    assert {link.expiry is not None for _, link in memberships} == {"180 days" in name}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Card details refused", ["onVerificationFailure", {}]),
        ("Card form error 500", ["onError", {"status": 500}]),
        ("Card form error 401", ["onError", {"status": 401}]),
        ("Card form error without a status", ["onError", {}]),
    ],
)
def test_a_card_can_fail(page: Page, name: str, expected: list[Any]) -> None:
    assert choose(page, name) == [expected]


def test_every_test_card_is_offered(page: Page) -> None:
    page.get_by_role("button", name="Enroll").click()
    expect(page.get_by_role("option")).to_have_text([card.name for card in TEST_CARDS])


@pytest.mark.parametrize("how", ["Cancel", "Escape"])
def test_cancelling_gives_the_focus_back(page: Page, how: str) -> None:
    page.get_by_role("button", name="Enroll").click()
    expect(page.get_by_label("Test card")).to_be_focused()
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Cancel").click()
    assert heard(page) == [["onCancel", None]]
    expect(page.get_by_role("button", name="Enroll")).to_be_focused()


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.get_by_role("button", name="Enroll").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Sandbox card form")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert heard(page)[0][0] == "onTokenize"


def test_an_authorization_of_somebody_else_is_refused(page: Page) -> None:
    page.evaluate("attach('not-from-here')")
    page.get_by_role("button", name="Enroll").click()
    assert heard(page) == [["onError", {"status": 401}]]


def test_an_authorization_that_ends_while_the_form_is_open_is_refused(page: Page, server: SandboxServer) -> None:
    page.get_by_role("button", name="Enroll").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    server.state.revoke_form_tokens()
    page.get_by_role("button", name="Continue").click()
    assert heard(page) == [["onError", {"status": 401}]]


def test_attaching_again_opens_one_dialog(page: Page, server: SandboxServer) -> None:
    page.evaluate("token => attach(token)", server.state.issue_form_token())
    page.get_by_role("button", name="Enroll").click()
    expect(page.get_by_role("dialog")).to_have_count(1)


def test_a_form_that_cannot_reach_its_server_has_no_status(page: Page, server: SandboxServer) -> None:
    server.faults.set("*", Fault(kind="down"))
    page.get_by_role("button", name="Enroll").click()
    assert heard(page) == [["onError", {}]]


def test_a_script_can_fail_to_load(page: Page, server: SandboxServer) -> None:
    server.faults.set("card_form_script", Fault(kind="status", status=404))
    page.reload()
    assert page.evaluate("typeof window.littlepay") == "undefined"


def test_the_dialog_has_no_accessibility_violation_and_keeps_to_the_policy(page: Page) -> None:
    page.get_by_role("button", name="Enroll").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("#heard")).to_be_empty()
    violations = Axe().run(page).response["violations"]
    assert violations == [], json.dumps(violations, indent=2)
