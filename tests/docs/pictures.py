"""Takes the pictures of the documentation: ``make pictures``, or ``python -m tests.docs.pictures`` and a folder.

They are of the demo, on a day that is always the same. What differs from one run to the next is made equal, so that a
picture changes only if its page does.
"""

from __future__ import annotations

import base64
import random
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from enrollment_errors.references import ALPHABET, GROUP_SIZE, GROUPS, grouped
from tests.browser.walks import Walk
from tests.example.rider import Rider
from tests.example.running import RunningDemo, run_demo
from tests.waiting import wait_until

from .blocks import PICTURES
from .small_png import with_palette

WIDTH, HEIGHT = 390, 844
PHONE = {"viewport": {"width": WIDTH, "height": HEIGHT}, "device_scale_factor": 1.5}
# Wide enough for Django's admin to be itself.
DESK = {"viewport": {"width": 1040, "height": 600}, "device_scale_factor": 1}

RIDERS = "riders"
"""Three pages of riders side by side, for the README."""
SIDE_BY_SIDE = ("rider-enroll", "rider-success", "rider-system-error")

# The notice belongs to the demo, and the side bar to Django's admin. The font is as wide as those of most phones.
STYLE = """
  aside.demo, #nav-sidebar, #toggle-nav-sidebar { display: none !important; }
  .main > .content { max-width: 100% !important; }
  :root {
    --enrollment-font: Arial, "Liberation Sans", sans-serif !important;
    --font-family-primary: Arial, "Liberation Sans", sans-serif !important;
  }
  body { font-family: Arial, "Liberation Sans", sans-serif !important; }
"""
# In the row of three, a phone shows what fits whole. A heading goes with what comes next.
MARK_WHAT_DOES_NOT_FIT = """
(height) => {
  for (const part of document.querySelectorAll("main :is(section, h2, p, li, dl, form), footer")) {
    const next = part.matches("h2") && part.nextElementSibling;
    const last = next ? (next.querySelector("li") ?? next) : part;
    part.toggleAttribute("data-does-not-fit", last.getBoundingClientRect().bottom > height);
  }
}
"""
HIDE_WHAT_DOES_NOT_FIT = "[data-does-not-fit] { visibility: hidden; }"
# What no two runs have alike, and no reader looks for.
STEADY = {".field-sentry_event a": "20ba4e9faf86441fb3ebcfe455de0b65", ".field-seconds .readonly": "0.097"}
# References are random, and pages have them in text and in fields.
REFERENCE = "-".join([f"[{ALPHABET}]{{{GROUP_SIZE}}}"] * GROUPS)
READ = "(pattern) => (document.body.innerText.match(new RegExp(pattern, 'g')) ?? [])"
REPLACE = """
([read, shown]) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(read, shown);
  for (const field of document.querySelectorAll("input")) field.value = field.value.replaceAll(read, shown);
}
"""
PHONES = """<!doctype html>
<style>
  body {{ display: inline-flex; gap: 40px; margin: 0; padding: 4px; background: transparent; }}
  img {{ inline-size: {width}px; block-size: {height}px; border: 2px solid #8792a0; border-radius: 28px; }}
</style>
{phones}
"""


class Pictures:
    def __init__(self, browser: Browser, demo: RunningDemo, folder: Path) -> None:
        self.browser, self.demo, self.folder = browser, demo, folder
        self.tops: dict[str, bytes] = {}
        self.references: dict[str, str] = {}
        self.numbers = random.Random(4)

    def take_all(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._an_earlier_week()
        self._riders()
        self._staff()
        self._operators()
        self._side_by_side()

    # What there is to see.

    def _an_earlier_week(self) -> None:
        """Riders before those in the pictures, so that operators have something to look at."""
        self.demo.choose("healthy")
        for day in range(6, 12):
            self._at(f"2026-11-{day:02}T11:30:05")
            for _ in range(3 + day % 3):
                self._enroll("older-adult" if day % 2 else "agency-card")
            self._enroll("older-adult", agency="harbor")
            if day == 10:
                self.demo.break_processor(link={"kind": "status", "status": 503})
                self._enroll("older-adult")
                self._enroll("older-adult", agency="harbor")
                self.demo.mend_processor()
            if day % 3 == 2:
                refused = self._enroll("older-adult", card="refused")
        self._wait_for_incident(refused)

    def _enroll(self, benefit: str, *, agency: str = "mountain", card: str = "visa") -> str:
        """The reference that the rider reads, if there is one."""
        with Rider(self.demo.url) as rider:
            rider.qualify(benefit, agency)
            read = re.search(r'aria-hidden="true">(\w{3}-\w{3}-\w{3})<', rider.enroll(card).text)
        return read[1] if read else ""

    def _riders(self) -> None:
        with self._rider("healthy", "09:04", "low-income") as page:
            page.locator("#enrollment-open:enabled").wait_for()
            self._take(page, "rider-enroll")
            self._use_card(page, "visa", "success")
            self._take(page, "rider-success")
        with self._rider("card-refused", "09:05") as page:
            self._use_card(page, "refused", "check-card")
            self._take(page, "rider-check-card")
        with self._rider("still-checking", "09:06") as page:
            self._use_card(page, "visa", "still-checking")
            self._take(page, "rider-still-checking")
        with self._rider("wrong-credentials", "09:07") as page:
            page.wait_for_url("**/server-error/**")
            self._take(page, "rider-server-error")
        with self._rider("error-503", "09:08") as page:
            self._use_card(page, "visa", "system-error")
            self.failed = page.locator(".enrollment-reference [aria-hidden]").inner_text()
            self._take(page, "rider-system-error")

    def _staff(self) -> None:
        self._at("2026-11-12T09:15:05")
        with self._page(DESK) as page:
            page.goto(f"{self.demo.url}/demo/")
            page.locator("form[action$='/healthy/'] button[name=in_person]").click()
            page.wait_for_url("**/staff/")
            self._next_rider(page)
            page.get_by_role("button", name="Cancel").click()
            self._take(page, "staff-enroll")
            self._use_card(page, "visa", "success")
            self._take(page, "staff-success")
            self.demo.break_processor(link={"kind": "status", "status": 503})
            self._next_rider(page)
            self._use_card(page, "visa", "system-error", is_open=True)
            self._take(page, "staff-failed")

    def _operators(self) -> None:
        self._at("2026-11-12T09:20:05")
        self.demo.choose("finished-later")
        promised = self._enroll("agency-card")
        self._at("2026-11-12T09:35:05")
        self.demo.settle()
        self.demo.watch()
        self._wait_for_incident(promised)
        self._at("2026-11-12T09:40:05")
        with self._page(DESK) as page:
            page.goto(f"{self.demo.url}/demo/operator/")
            page.get_by_role("button", name="Sign in to the admin as an operator").click()
            page.wait_for_url("**/admin/")
            page.goto(f"{self.demo.url}/admin/enrollment_incidents/ending/?period=week")
            self._take(page, "operator-overview")
            page.goto(f"{self.demo.url}/admin/enrollment_incidents/incident/?q={self.failed}")
            self._take(page, "operator-incident")
            page.goto(f"{self.demo.url}/admin/enrollment_ledger/entry/")
            page.locator("#result_list").get_by_role("link", name=promised).click()
            page.get_by_role("link", name="All that is known of this reference").click()
            self._take(page, "operator-reference")

    def _side_by_side(self) -> None:
        sources = (f"data:image/png;base64,{base64.b64encode(self.tops[name]).decode()}" for name in SIDE_BY_SIDE)
        with self._page({**DESK, "viewport": {"width": 1400, "height": 900}}) as page:
            phones = "".join(f'<img src="{source}">' for source in sources)
            page.set_content(PHONES.format(width=WIDTH, height=HEIGHT, phones=phones))
            self._write(RIDERS, page.locator("body").screenshot(omit_background=True))

    # How it is done.

    def _at(self, local: str) -> None:
        """From now on it is this time there."""
        line = f"{local}-08:00\n"
        assert self.demo.process.stdin
        assert self.demo.process.stdout
        self.demo.process.stdin.write(line)
        self.demo.process.stdin.flush()
        assert self.demo.process.stdout.readline() == line

    @contextmanager
    def _page(self, screen: dict[str, object]) -> Iterator[Page]:
        with self.browser.new_context(locale="en-US", bypass_csp=True, reduced_motion="reduce", **screen) as context:
            context.set_default_timeout(20_000)
            yield context.new_page()

    @contextmanager
    def _rider(self, scenario: str, time: str, benefit: str = "older-adult") -> Iterator[Page]:
        """Somebody who has shown that they qualify, and is at the card form's page."""
        self._at(f"2026-11-12T{time}:05")
        self.demo.choose(scenario)
        with self._page(PHONE) as page:
            Walk(page, self.demo, "en").qualify(benefit)
            yield page

    def _next_rider(self, page: Page) -> None:
        """At the counter in the admin, until the card form has opened."""
        page.goto(f"{self.demo.url}/admin/in-person/")
        page.locator("main select").select_option("mountain/older-adult")
        page.locator("main input[type=checkbox]").check()
        page.locator("main [type=submit]").last.click()
        page.locator("dialog select").wait_for()

    def _use_card(self, page: Page, card: str, end: str, *, is_open: bool = False) -> None:
        if not is_open:
            page.locator("#enrollment-open:enabled").click()
        page.locator("dialog select").select_option(card)
        page.locator("dialog button[type=submit]").click()
        page.wait_for_url(f"**/{end}/**")

    def _wait_for_incident(self, reference: str) -> None:
        """It is written after the answer, and what came before it is counted by then."""
        with Rider(self.demo.url) as operator:
            operator.post("/demo/operator/sign-in/")
            search = f"/admin/enrollment_incidents/incident/?q={reference}"
            wait_until(lambda: operator.get(search).url.endswith("/change/"), f"the incident {reference}")

    def _take(self, page: Page, name: str) -> None:
        page.add_style_tag(content=STYLE)
        for part, text in STEADY.items():
            page.locator(part).evaluate_all("(parts, text) => parts.forEach((part) => (part.textContent = text))", text)
        for read in dict.fromkeys(page.evaluate(READ, REFERENCE)):
            if read not in self.references:
                signs = self.numbers.choices(ALPHABET, k=GROUPS * GROUP_SIZE)
                self.references[read] = grouped("".join(signs))
            page.evaluate(REPLACE, [read, self.references[read]])
        self._write(name, page.screenshot(full_page=True))
        if name in SIDE_BY_SIDE:
            page.evaluate(MARK_WHAT_DOES_NOT_FIT, HEIGHT)
            self.tops[name] = page.screenshot(style=HIDE_WHAT_DOES_NOT_FIT)

    def _write(self, name: str, picture: bytes) -> None:
        (self.folder / f"{name}.png").write_bytes(with_palette(picture))


def main(folder: Path) -> None:
    executable = shutil.which("chromium")
    if executable is None:
        sys.exit("Chromium is missing: no program named chromium on the PATH")
    script = Path(__file__).with_name("demo_on_a_day.py")
    with (
        contextmanager(run_demo)(script=script, environment={"RELEASE": "2026.11"}) as demo,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"]) as browser,
    ):
        Pictures(browser, demo, folder).take_all()
    print(f"The pictures are in {folder}.")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or [PICTURES]))
