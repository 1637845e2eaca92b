"""How soon riders see a page: Chromium's first contentful paint, on devices as slow as it can simulate."""

from __future__ import annotations

import os
import shutil
import sys

import django
from playwright.sync_api import Browser, sync_playwright

from .tables import milliseconds, percentile, print_table

PAGES = ("enroll", "system-error")
SLOWDOWNS = (1, 4, 20)
"""How many times slower the CPU is. DevTools offers these, and nothing slower than the last."""
VISITS = 15

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
        floor = f"{base}/card-form.js"  # the browser shows it as one line of text, without a style sheet
        for name, url in {"one line of text": floor, **{name: address(base, name) for name in PAGES}}.items():
            for slowdown in SLOWDOWNS:
                rows.append([f"{name}, {slowdown} x slower", *_row(browser, url, slowdown)])
        browser.close()
    print_table(
        "Until a rider sees a page",
        ("page, device", "lowest", "median", "p95", "median, server included"),
        rows,
        note=f"First contentful paint after the first byte, of {VISITS} visits with nothing in the browser's cache; "
        "the last column counts from the click. Over loopback: what the network takes comes on top.",
    )


def _row(browser: Browser, url: str, slowdown: int) -> list[str]:
    painted, since_click = [], []
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(url)  # The first visit starts a process of Chromium, which must not count.
        devtools = context.new_cdp_session(page)
        devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        for _ in range(VISITS):
            page.goto(url)
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
            first_byte, paint = page.evaluate(TIMES)
            painted.append(paint - first_byte)
            since_click.append(paint)
    return [
        milliseconds(min(painted)),
        *(milliseconds(percentile(painted, share)) for share in (0.5, 0.95)),
        milliseconds(percentile(since_click, 0.5)),
    ]
