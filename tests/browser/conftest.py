"""One Chromium for all browser tests of a process; each test opens pages in a context of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

pytest.register_assert_rewrite("tests.browser.walks", "tests.example.running")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        if os.environ.get("ENROLLMENT_ERRORS_REQUIRE_ALL") == "1":
            pytest.fail("Chromium is missing: no program named chromium on the PATH")
        pytest.skip("Chromium is missing: no program named chromium on the PATH")
    with sync_playwright() as playwright:
        # Without Chromium's own sandbox, which needs privileges that containers do not give.
        launched = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()
