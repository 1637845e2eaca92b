"""One Chromium for all browser tests of a process; each test opens pages in a context of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.servers import missing

pytest.register_assert_rewrite("tests.browser.walks", "tests.example.running")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        missing("Chromium (a program named chromium on the PATH)")
    with sync_playwright() as playwright:
        # Without Chromium's own sandbox, which needs privileges that containers do not give.
        launched = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()
