"""Takes pictures, and writes their indexes: one of the pages and, for each language, one of the messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify
from playwright.sync_api import Page

from tests.pages import catalogs, sightings, unseen

Row = tuple[str, str, list[tuple[str, str, str, int]]]
"""Title, language, and for each width the file, the title and language again, and the width."""


class Texts(NamedTuple):
    """Texts of the English pages, by title: what they show, and what they hold until something happens."""

    shown: dict[str, str]
    held: dict[str, str]

    def read(self, title: str, page: Page) -> None:
        self.shown[title] = f"{page.title()}\n{page.locator('body').inner_text()}"
        self.held[title] = sightings.text_of(page.content())

    def __or__(self, others: Texts) -> Texts:
        return Texts(self.shown | others.shown, self.held | others.held)

    def with_message(self, message: str) -> list[str]:
        """The titles of the pages that show it or, if none does, of those that hold it."""
        return sightings.of(message, self.shown) or sightings.of(message, self.held)


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
  td:last-child {{ overflow-wrap: anywhere; }}
</style>
<table>
<tr><th>Message<th>{0}<th>Pages that have it<th>Files that ask for it</tr>
{1}
</table>
</html>
"""

MOST_LINKS = 6
"""To pages that have a message. What every page has needs no more."""

_LINK = '<a href="index.html#{}-{}">{}</a>'
_MESSAGE = '<tr><td>{}<td lang="{}">{}<td>{}<td>{}</tr>'
_FIGURE = '<figure><a href="{0}"><img src="{0}" alt="{1}, {2}, {3} px" loading="lazy"></a></figure>'


def take(page: Page, folder: Path, title: str, language: str, widths: Sequence[int], *, height: int = 640) -> Row:
    """Takes a picture of the whole page at each width. ``height`` is that of the window, which the page may exceed."""
    files = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": height})
        file = f"{language}/{slugify(title)}-{width}.png"
        page.screenshot(path=folder / file, full_page=True)
        files.append((file, title, language, width))
    return title, language, files


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


def write_messages(folder: Path, everyones: Texts, operators: Texts) -> None:
    """For each catalog, where each message is to be seen. Those of operators are looked for on their pages only, and
    the others on the others: the same word can have another use."""
    for locale in catalogs.LOCALES:
        language = locale.lower().replace("_", "-")
        table = format_html_join(
            "\n",
            _MESSAGE,
            (
                (
                    entry.message,
                    language,
                    entry.translation,
                    _places(entry, operators if catalogs.is_for_operators(entry) else everyones, language),
                    ", ".join(entry.sources),
                )
                for entry in catalogs.entries(locale)
                if entry.translation
            ),
        )
        (folder / f"messages-{language}.html").write_text(format_html(MESSAGES, language, table), encoding="utf-8")


def _places(entry: catalogs.Entry, texts: Texts, language: str) -> SafeString:
    titles = texts.with_message(entry.message)
    if not titles:
        return format_html("{}", unseen.where(entry))
    links = format_html_join(", ", _LINK, ((title, language, title) for title in titles[:MOST_LINKS]))
    more = len(titles) - MOST_LINKS
    return format_html("{} and {} more", links, more) if more > 0 else links
