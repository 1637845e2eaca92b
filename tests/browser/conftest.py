"""One Chromium for the browser tests of a module; each test opens pages in a context of its own.

Not one for the whole run: while Playwright is there, its thread has a running event loop, and Django and asyncio refuse
to work beside one. After the module it is gone.
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
        # Without Chromium's own sandbox, which needs privileges that containers do not give.
        launched = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()


demo = pytest.fixture(scope="session", name="demo")(run_demo)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """That of the rider's browser. (The page at the end of a walk is always read in both.)"""
    return str(request.param)


@pytest.fixture
def walk(language: str, browser: Browser, demo: RunningDemo) -> Iterator[Walk]:
    """A rider whom nobody knows, at a processor that works.

    The demo's strict Content-Security-Policy must have stopped nothing on the way.
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
        page.unroute_all(behavior="ignoreErrors")  # what was never answered


@pytest.fixture
def enroll(page: Page, site: str) -> Enroll:
    return Enroll(page, site)


@pytest.fixture
def checking(page: Page, site: str) -> Checking:
    return Checking(page, site)
