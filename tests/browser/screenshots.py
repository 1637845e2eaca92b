"""Takes a picture of every page in every language and width, for designers and translators. It writes an index of the
pages, and for each language an index of the messages.

``python -m tests.browser.screenshots screenshots``
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from playwright.sync_api import Browser, Page, sync_playwright

from .indexes import Row, Texts, take, write_index, write_messages

WIDTHS = (320, 768, 1280)
COUNTER_LANGUAGES = ("en", "es")
COUNTER_WIDTHS = (390, 1280)
TRANSLATORS_WIDTHS = (390,)


def ready(page: Page, url: str) -> None:
    page.goto(url)
    if page.locator("#enrollment-open").count():
        page.wait_for_selector("#enrollment-open:enabled")


def waiting(page: Page, url: str) -> None:
    page.route("**/token/", lambda route: None)
    page.clock.install()
    page.goto(url)
    page.clock.fast_forward(10_000)


def unconnected(page: Page, url: str) -> None:
    page.route("**/token/", lambda route: route.abort())
    page.goto(url)
    page.wait_for_selector("[role=alert]:not([hidden])")


def broken(page: Page, url: str) -> None:
    page.route("**/card-form.js", lambda route: route.abort())
    page.goto(url)
    page.wait_for_selector("[role=alert]:not([hidden])")


def plain(page: Page, url: str) -> None:
    page.goto(url)


MOMENTS: dict[str, tuple[Callable[[Page, str], None], bool]] = {
    "still trying": (waiting, True),
    "no connection": (unconnected, True),
    "error in the page": (broken, True),
    "JavaScript off": (plain, False),
}


def take_gallery(browser: Browser, base: str, folder: Path) -> tuple[list[Row], Texts]:
    """Takes pictures of what riders and staff see: in the right-to-left language, too."""
    from .gallery_site import LANGUAGES, address, variants

    shots = [(name, signed_in, "", ready, True) for name, signed_in in variants()]
    shots += [("enroll", False, moment, visit, scripts) for moment, (visit, scripts) in MOMENTS.items()]
    rows = []
    texts = Texts({}, {})
    for name, signed_in, moment, visit, scripts in shots:
        title = ", ".join(filter(None, (name, "signed in" if signed_in else "", moment)))
        for language in [*LANGUAGES, "ar"]:
            with browser.new_context(reduced_motion="reduce", java_script_enabled=scripts) as context:
                page = context.new_page()
                visit(page, address(base, name, language, signed_in=signed_in))
                if language == "en":
                    texts.read(title, page)
                rows.append(take(page, folder, title, language, WIDTHS))
                page.unroute_all(behavior="ignoreErrors")
    return rows, texts


def take_translators(browser: Browser, base: str, folder: Path) -> tuple[list[Row], Texts]:
    """Takes pictures that differ from the gallery's only in their words."""
    from .gallery_site import LANGUAGES, address, for_translators

    rows = []
    texts = Texts({}, {})
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        for title in for_translators.PICTURES:
            for language in LANGUAGES:
                ready(page, address(base, title, language))
                if language == "en":
                    texts.read(title, page)
                rows.append(take(page, folder, title, language, TRANSLATORS_WIDTHS))
    return rows, texts


def take_counter(browser: Browser, base: str, folder: Path) -> list[Row]:
    """Takes pictures of what staff see, alone and in the admin's frame, light and dark."""
    from .gallery_site import address, gallery

    rows = []
    for in_admin in (False, True):
        for scheme in ("light", "dark"):
            with browser.new_context(reduced_motion="reduce", color_scheme=scheme) as context:
                page = context.new_page()
                for name in gallery.IN_PERSON:
                    title = f"{name}, {'admin' if in_admin else 'by itself'}, {scheme}"
                    for language in COUNTER_LANGUAGES:
                        ready(page, address(base, name, language, in_admin=in_admin))
                        rows.append(take(page, folder, title, language, COUNTER_WIDTHS))
    return rows


def main(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    # Playwright keeps an event loop running in this thread, where Django would refuse to use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    django.setup()
    from . import arabic, operator_shots
    from .gallery_site import serve

    executable = shutil.which("chromium")
    if executable is None:
        sys.exit("Chromium is missing: no program named chromium on the PATH")
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(TemporaryDirectory()))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        operators_rows, operators = operator_shots.take_all(browser, folder, temporary / "operators.sqlite3")
        base = stack.enter_context(serve(LOCALE_PATHS=[arabic.write_catalog(temporary)]))
        translators_rows, translators = take_translators(browser, base, folder)
        gallery_rows, gallery = take_gallery(browser, base, folder)
        counter_rows = take_counter(browser, base, folder)
        browser.close()
    write_index(folder, gallery_rows + translators_rows + counter_rows + operators_rows)
    write_messages(folder, gallery | translators, operators)
    print(f"{folder / 'index.html'} shows them all, messages-es.html where each message is, and so on.")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["screenshots"]))
