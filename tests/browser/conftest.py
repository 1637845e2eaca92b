"""One Chromium for the browser tests of a module; each test opens pages in a context of its own.

The whole run cannot share one: Playwright keeps an event loop running in its thread, and Django and asyncio refuse to
work there. So it ends with the module.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.example.running import RunningDemo, run_demo
from tests.servers import missing

from .enroll_page import Checking, Enroll
from .gallery_site import serve
from .walks import LANGUAGES, Walk


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        missing("Chromium (a program named chromium on the PATH)")
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs privileges that containers do not grant.
        launched = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()


demo = pytest.fixture(scope="session", name="demo")(run_demo)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """The language of the rider's browser. (Every walk reads its last page in both languages anyway.)"""
    return str(request.param)


@pytest.fixture
def walk(language: str, browser: Browser, demo: RunningDemo) -> Iterator[Walk]:
    """A new rider, at a processor that works.

    The demo's strict Content-Security-Policy must not block anything on the way.
    """
    demo.choose("healthy")
    stopped: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            stopped.append(message.text)

    with browser.new_context(locale=f"{language}-US") as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", listen)
        yield Walk(page, demo, language)
    assert stopped == []


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        yield page
        page.unroute_all(behavior="ignoreErrors")  # the requests that the test left unanswered


@pytest.fixture
def enroll(page: Page, site: str) -> Enroll:
    return Enroll(page, site)


@pytest.fixture
def checking(page: Page, site: str) -> Checking:
    return Checking(page, site)
