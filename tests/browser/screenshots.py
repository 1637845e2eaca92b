"""Takes a picture of every page in every language and width, for designers and translators. It writes an index of the
pages, and for each language an index of the messages.

``python -m tests.browser.screenshots screenshots``
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.utils.html import format_html, format_html_join
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages import catalogs, sightings

WIDTHS = (320, 768, 1280)
COUNTER_LANGUAGES = ("en", "es")
COUNTER_WIDTHS = (390, 1280)
Row = tuple[str, str, list[tuple[str, str, str, int]]]
"""Title, language, and for each width the file, the title and language again, and the width."""
INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pages</title>
<style>
  body {{ font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; background: #e8ebee; }}
  .row {{ display: flex; gap: 1rem; overflow-x: auto; align-items: start; padding-block: 0.5rem; }}
  figure {{ margin: 0; flex: none; }}
  img {{ display: block; block-size: 28rem; inline-size: auto; border: 1px solid #9aa5b0; }}
  nav {{ position: sticky; top: 0; background: inherit; padding-block: 0.5rem; }}
  nav a {{ margin-inline-end: 0.75rem; }}
</style>
<nav>{}</nav>
{}
</html>
"""
MESSAGES = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Messages, {0}</title>
<style>
  body {{ font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; }}
  table {{ border-collapse: collapse; }}
  td, th {{ text-align: start; vertical-align: top; padding: 0.25rem 0.75rem; border: 1px solid #9aa5b0; }}
</style>
<table>
<tr><th>Message<th>{0}<th>Pages that have it<th>Files that ask for it</tr>
{1}
</table>
</html>
"""

_LINK = '<a href="index.html#{}-{}">{}</a>'
_MESSAGE = '<tr><td>{}<td lang="{}">{}<td>{}<td>{}</tr>'
_FIGURE = '<figure><a href="{0}"><img src="{0}" alt="{1}, {2}, {3} px" loading="lazy"></a></figure>'


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


def take_all(browser: Browser, base: str, folder: Path) -> None:
    from .gallery_site import LANGUAGES, address, variants

    shots = [(name, signed_in, "", ready, True) for name, signed_in in variants()]
    shots += [("enroll", False, moment, visit, scripts) for moment, (visit, scripts) in MOMENTS.items()]
    rows = []
    shown: dict[str, str] = {}
    held: dict[str, str] = {}
    for name, signed_in, moment, visit, scripts in shots:
        title = ", ".join(filter(None, (name, "signed in" if signed_in else "", moment)))
        for language in [*LANGUAGES, "ar"]:
            files = []
            with browser.new_context(reduced_motion="reduce", java_script_enabled=scripts) as context:
                page = context.new_page()
                visit(page, address(base, name, language, signed_in=signed_in))
                if language == "en":
                    shown[title] = f"{page.title()}\n{page.locator('body').inner_text()}"
                    held[title] = unescape(re.sub(r"<[^>]*>", "\n", page.content()))
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 640})
                    file = f"{language}/{title.replace(', ', '-').replace(' ', '-')}-{width}.png"
                    page.screenshot(path=folder / file, full_page=True)
                    files.append((file, title, language, width))
                page.unroute_all(behavior="ignoreErrors")
            rows.append((title, language, files))
    write_index(folder, rows + take_counter(browser, base, folder))
    write_messages(folder, shown, held)


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
                        files = []
                        for width in COUNTER_WIDTHS:
                            page.set_viewport_size({"width": width, "height": 640})
                            file = f"{language}/{title.replace(', ', '-').replace(' ', '-')}-{width}.png"
                            page.screenshot(path=folder / file, full_page=True)
                            files.append((file, title, language, width))
                        rows.append((title, language, files))
    return rows


def write_index(folder: Path, rows: list[Row]) -> None:
    titles = dict.fromkeys(title for title, _, _ in rows)
    figures = format_html_join(
        "\n",
        '<h2 id="{}">{}</h2><p lang="{}">{}</p><div class="row">{}</div>',
        (
            (
                f"{title}-{language}",
                title,
                language,
                language,
                format_html_join("", _FIGURE, files),
            )
            for title, language, files in rows
        ),
    )
    links = format_html_join("", '<a href="#{}-en">{}</a>', ((title, title) for title in titles))
    (folder / "index.html").write_text(format_html(INDEX, links, figures), encoding="utf-8")


def write_messages(folder: Path, shown: dict[str, str], held: dict[str, str]) -> None:
    """For each catalog, where each message is to be seen: on pages that show it or, if none does, on those that hold it
    until something happens. ``shown`` and ``held`` are texts of the English pages, by title."""
    for locale in catalogs.LOCALES:
        language = locale.lower().replace("_", "-")
        rows = []
        for entry in catalogs.entries(locale):
            titles = sightings.of(entry.message, shown) or sightings.of(entry.message, held)
            if catalogs.is_for_operators(entry):
                titles = []  # No picture is of their pages: it would be another use of the same word.
            links = format_html_join(", ", _LINK, ((title, language, title) for title in titles))
            rows.append((entry.message, language, entry.translation, links, ", ".join(entry.sources)))
        table = format_html_join("\n", _MESSAGE, (row for row in rows if row[2]))
        (folder / f"messages-{language}.html").write_text(format_html(MESSAGES, language, table), encoding="utf-8")


def main(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from . import arabic
    from .gallery_site import serve

    executable = shutil.which("chromium")
    if executable is None:
        sys.exit("Chromium is missing: no program named chromium on the PATH")
    with ExitStack() as stack:
        locale = arabic.write_catalog(Path(stack.enter_context(TemporaryDirectory())))
        base = stack.enter_context(serve(LOCALE_PATHS=[locale]))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        take_all(browser, base, folder)
        browser.close()
    print(f"{folder / 'index.html'} shows them all, messages-es.html where each message is, and so on.")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["screenshots"]))
