"""Switchio's sandbox over real TLS, with the client certificate that it hands out, and a site that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.sandbox.switchio import Switchio
from tests.rider import End, Rider

GROUP = "OLDER_ADULT"


@pytest.fixture
def switchio() -> Iterator[SandboxServer]:
    with SandboxServer(Switchio()) as server:
        yield server


@pytest.fixture
def switchio_site(site: Any, switchio: SandboxServer) -> Any:
    """The test site, with an account at Switchio only. Returns a function that changes its settings."""
    site(ACCOUNTS={"switchio": switchio.account()}, ALLOWED_REDIRECT_HOSTS=switchio.service.redirect_hosts)
    return site


class Visitor(Rider):
    """A rider who enters the card on the processor's own site."""

    def visits(self) -> str:
        """The address at the gateway that our site sends the rider to."""
        answer = self.asks_for_token().json()
        return str(answer["redirect"])

    def comes_back(self, gateway: str, *, card: str = "", way: str = "") -> End:
        """Chooses ``card`` or another ``way`` at the gateway, returns, and sends what the script would then send."""
        # Not with requests: its log lines for this visit would mix with the log that tests look at.
        parts = urlsplit(gateway)
        with closing(HTTPConnection(parts.netloc, timeout=10)) as browser:
            browser.request("POST", f"{parts.path}?{parts.query}", urlencode({"card": card, "way": way}))
            answer = browser.getresponse()
        assert answer.status == 303
        return self.returns(str(answer.headers["Location"]))

    def returns(self, address: str) -> End:
        path = address.partition("testserver")[2]
        page = self.goes_to(path)
        if '"returned": true' not in page.text:
            return page
        self.goes_back_to(page.text)
        return self.follows(self.client.post(path, {**self.hidden, "card_token": ""}))

    def enrolls_at(self, card: str = "visa") -> End:
        return self.comes_back(self.visits(), card=card)


@pytest.fixture
def visitor(switchio_site: Any) -> Visitor:
    visitor = Visitor()
    visitor.becomes_eligible(account="switchio", group=GROUP)
    return visitor
