"""How soon riders see a page: Chromium's first contentful paint, on devices as slow as it can simulate."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack

import django
from playwright.sync_api import Browser, Page, sync_playwright

from .tables import milliseconds, percentile, print_table

PAGES = ("enroll", "system-error")
SLOWDOWNS = (1, 4, 20)
"""How many times slower the CPU is. DevTools offers these, and nothing slower than the last."""
VISITS = 15
FLOOR = "one line of text"
"""What the browser itself takes to show anything."""

# In seconds since the visit began: when the first byte of the page arrived, and when the browser first painted it.
TIMES = """() => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return paint && [performance.getEntriesByType("navigation")[0].responseStart / 1000, paint.startTime / 1000];
}"""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from tests.browser.gallery_site import address, serve

    executable = shutil.which("chromium")
    if executable is None:
        sys.exit("Chromium is missing: no program named chromium on the PATH")
    rows: list[list[object]] = []
    with serve() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        # The browser shows the script as one line of text, without a style sheet.
        urls = {FLOOR: f"{base}/card-form.js", **{name: address(base, name) for name in PAGES}}
        for slowdown in SLOWDOWNS:
            painted = _painted(browser, urls, slowdown)
            rows += [[f"{name}, {slowdown} x slower", *_row(painted[name], painted[FLOOR])] for name in urls]
        browser.close()
    print_table(
        "Until a rider sees a page",
        ("page, device", "lowest", "median", "more than the line"),
        rows,
        note=f"First contentful paint after the first byte, of {VISITS} visits in turns, with nothing in the browser's "
        "cache. The last column is the median of what a page took more than the line of text in the same turn. What "
        "the network takes comes on top.",
    )


def _painted(browser: Browser, urls: Mapping[str, str], slowdown: int) -> dict[str, list[float]]:
    """The seconds from the first byte to the first paint, by page, turn by turn."""
    painted: dict[str, list[float]] = {name: [] for name in urls}
    with ExitStack() as stack:
        pages = {}
        for name, url in urls.items():
            context = stack.enter_context(browser.new_context(viewport={"width": 390, "height": 844}))
            pages[name] = page = context.new_page()
            page.goto(url)  # The first visit starts a process of Chromium, which must not count.
            devtools = context.new_cdp_session(page)
            devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        for _ in range(VISITS):
            for name, url in urls.items():
                painted[name].append(_visited(pages[name], url))
    return painted


def _visited(page: Page, url: str) -> float:
    page.goto(url)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    first_byte, paint = page.evaluate(TIMES)
    page.goto("about:blank")  # so that no page works beside the next one's paint
    return float(paint - first_byte)


def _row(painted: list[float], floor: list[float]) -> list[str]:
    more = [ours - least for ours, least in zip(painted, floor, strict=True)]
    return [
        milliseconds(min(painted)),
        milliseconds(percentile(painted, 0.5)),
        "" if painted is floor else milliseconds(percentile(more, 0.5)),
    ]
