"""Takes pictures of every page that operators have in the admin, in English and Spanish, from a real site with a
database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser, Page

from enrollment_errors.sandbox.server import SandboxServer
from tests import operators, operators_states
from tests.rider import CARD_TOKEN, settings_at

from .gallery_site import serve
from .indexes import Row, Texts, take

LANGUAGES = ("en", "es")
WIDTHS = (1280,)
SEND = """([address, said]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = address;
  const csrfmiddlewaretoken = document.querySelector("[name=csrfmiddlewaretoken]").value;
  for (const [name, value] of Object.entries({ csrfmiddlewaretoken, ...said })) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}"""


class Operator:
    """Signed in, with a browser in each language. Keeps the pictures' rows and what the pages say."""

    def __init__(self, base: str, folder: Path, pages: dict[str, Page]) -> None:
        self.rows: list[Row] = []
        self.texts = Texts({}, {})
        self._base, self._folder, self._pages = base, folder, pages

    def look(self, name: str, address: str) -> None:
        for language, page in self._pages.items():
            page.goto(f"{self._base}{address}")
            self._take(page, name, language)

    def send(self, name: str, address: str, said: dict[str, str]) -> None:
        for language, page in self._pages.items():
            page.goto(f"{self._base}/admin/")
            with page.expect_navigation():
                page.evaluate(SEND, [address, said])
            self._take(page, name, language)

    def _take(self, page: Page, name: str, language: str) -> None:
        title = f"operators, {name}"
        if language == "en":
            self.texts.read(title, page)
        # The admin's sidebar is as high as the window.
        self.rows.append(take(page, self._folder, title, language, WIDTHS, height=900))


@contextmanager
def _site(sandbox: SandboxServer, database: Path) -> Iterator[str]:
    """A site with an empty database at this path, and the sandbox as its processor. Yields its address."""
    connection.settings_dict["TEST"]["NAME"] = str(database)
    before = setup_databases(verbosity=0, interactive=False)
    ours = {**settings.ENROLLMENT_ERRORS, **settings_at(sandbox), **operators.SETTINGS}
    try:
        with serve(ROOT_URLCONF="tests.urls", MIDDLEWARE=settings.MIDDLEWARE, ENROLLMENT_ERRORS=ours) as base:
            yield base
    finally:
        teardown_databases(before, verbosity=0)


def _session() -> str:
    """The session of an operator who may do everything, for the cookie."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def take_all(browser: Browser, folder: Path, database: Path) -> tuple[list[Row], Texts]:
    with SandboxServer() as sandbox, _site(sandbox, database) as base:
        sandbox.state.add_card(CARD_TOKEN)
        session = _session()
        pages = {}
        for language in LANGUAGES:
            context = browser.new_context(locale=language, reduced_motion="reduce")
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
            pages[language] = context.new_page()
        operator = Operator(base, folder, pages)
        for name in operators.EMPTY:
            operator.look(f"{name}, empty", operators.PAGES[name])
        known = operators.one_of_everything()
        for name, address in operators.PAGES.items():
            operator.look(name, address.format(**known))
        wish = operators.card_to_remove(sandbox)
        for name, (address, said) in operators.FORMS.items():
            operator.send(name, address.format(**known), {**wish, **said})
        for name, address in operators_states.each_code_and_state().items():
            operator.look(name, address)
        for page in pages.values():
            page.context.close()
    return operator.rows, operator.texts
