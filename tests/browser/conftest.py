"""One Chromium for the browser tests of a module; each test opens pages in a context of its own.

Not one for the whole run: while Playwright is there, its thread has a running event loop, and Django and asyncio refuse
to work beside one. After the module it is gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.servers import missing

pytest.register_assert_rewrite("tests.browser.walks", "tests.example.running")


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
