"""If a worker dies between the links of one card to two groups, the next try ends with each linked once."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import requests

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from tests.model.browser import Page, page_of
from tests.model.serving import Served, served
from tests.servers import missing
from tests.waiting import wait_until

GROUPS = {"group-seniors": "Seniors", "group-veterans": "Veterans"}


class Rider:
    def __init__(self, site: Served) -> None:
        self.site, self.session = site, requests.Session()
        self.session.post(f"{site.url}/choose/region/", timeout=60).raise_for_status()

    def enrolls(self, **headers: str) -> Page:
        page = page_of(self.session.get(f"{self.site.url}/enrollment/", timeout=60))
        return self.posts(page, {**page.inputs, "card_token": "card"}, **headers)

    def checks_again(self, page: Page) -> Page:
        return self.posts(page, page.inputs)

    def posts(self, page: Page, inputs: dict[str, str], **headers: str) -> Page:
        return page_of(self.session.post(page.action, inputs, headers={"Referer": page.url, **headers}, timeout=60))


def test_each_is_linked_once_in_the_end(tmp_path: Path) -> None:
    if find_spec("gunicorn") is None:
        missing("gunicorn")
    files = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    with (
        SandboxServer(Littlepay(GROUPS)) as sandbox,
        served(sandbox.url, sessions="db", cache=files, workers=1, threads=4) as site,
    ):
        card = sandbox.state.add_card("card")
        sandbox.faults.set("link", Fault(kind="delay", seconds=0, times=1), Fault(kind="hang"))
        rider = Rider(site)

        def lose() -> None:
            with suppress(requests.ConnectionError):
                rider.enrolls(**{"X-Request-Name": "killed"})

        thread = threading.Thread(target=lose)
        thread.start()
        wait_until(lambda: sandbox.calls["link"] == 2)
        site.kill_the_worker_of("killed")
        thread.join(30)
        assert [list(sandbox.state.groups[group].links) for group in GROUPS] == [[card], []]
        assert len(site.successes) == 1
        sandbox.faults.clear()

        pages = [rider.enrolls()]

        def is_over() -> bool:
            """While the dead worker's link may still take effect, the site sends no other."""
            if pages[-1].name != "success":
                assert pages[-1].name == "partial"
                pages.append(rider.checks_again(pages[-1]))
            return pages[-1].name == "success"

        wait_until(is_over)
        assert [list(sandbox.state.groups[group].links) for group in GROUPS] == [[card], [card]]
        assert len(site.successes) == 2
        # The next try may send the first group's link again and get a 409. A busy machine asks for the card instead.
        assert sandbox.calls["link"] <= 4
