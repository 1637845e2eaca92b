"""The worker that serves a rider dies between the links of one card to two groups, and the rider tries again."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from tests.model.serving import served
from tests.servers import missing
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

GROUPS = {"group-seniors": "Seniors", "group-veterans": "Veterans"}
LONG = 60_000


def use_the_card(page: Page) -> None:
    page.locator("#enrollment-open:enabled").click(timeout=LONG)
    page.locator("dialog select").select_option("visa")
    page.locator("dialog button[type=submit]").click(no_wait_after=True)


def test_the_rider_ends_with_each_linked_once(page: Page, tmp_path: Path) -> None:
    if find_spec("gunicorn") is None:
        missing("gunicorn")
    files = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    with (
        SandboxServer(Littlepay(GROUPS)) as sandbox,
        served(sandbox.url, sessions="db", cache=files, workers=1, threads=4) as site,
    ):
        page.request.post(f"{site.url}/choose/region/")
        page.goto(f"{site.url}/enrollment/")
        sandbox.faults.set("link", Fault(kind="delay", seconds=0, times=1), Fault(kind="hang"))
        page.route(
            f"{site.url}/**",
            lambda route: route.continue_(headers={**route.request.headers, "X-Request-Name": "killed"}),
        )
        use_the_card(page)

        def is_at_the_second() -> bool:
            page.wait_for_timeout(20)  # Playwright serves the route only while it waits
            return sandbox.calls["link"] == 2

        wait_until(is_at_the_second)
        site.kill_the_worker_of("killed")
        # If Chromium had used the connection before, it sends the POST again by itself.
        page.wait_for_url(re.compile("^chrome-error:|/partial/"), timeout=LONG)
        linked = [list(sandbox.state.groups[group].links) for group in GROUPS]
        assert [len(cards) for cards in linked] == [1, 0]
        assert len(site.successes) == 1
        sandbox.faults.clear()
        if "/partial/" not in page.url:
            page.goto(f"{site.url}/enrollment/", timeout=LONG)
            use_the_card(page)
            page.wait_for_url(re.compile("/(partial|success)/"), timeout=LONG)

        def is_over() -> bool:
            """While the dead worker's link may still take effect, the site sends no other."""
            if "/success/" not in page.url:
                expect(page.locator("h1")).to_have_text("We are still checking")
                page.get_by_role("button", name="Check again").click()
                page.wait_for_load_state()
            return "/success/" in page.url

        wait_until(is_over)
        expect(page.locator("h1")).to_have_text("Your card is enrolled")
        [card] = linked[0]
        assert [list(sandbox.state.groups[group].links) for group in GROUPS] == [[card], [card]]
        assert len(site.successes) == 2
