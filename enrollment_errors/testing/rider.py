"""A rider's browser for a site's tests: Django's test client, which acts as the page's script would."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse


class Rider:
    """Opens the enroll page, and sends the requests, reports and forms that the page's script would send.

    ``client`` is a test client with a session of an eligible rider; ``namespace`` is the inclusion of the URLs. Each
    step opens the enroll page again, unless you pass a ``page`` that was opened before, such as one in another tab. If
    the page has no card form, because the rider may not enroll or the circuit is open, a step stops there and returns
    that page's response.
    """

    def __init__(self, client: Client, *, namespace: str = "enrollment_errors") -> None:
        self.client = client
        self.url = reverse(f"{namespace}:enroll")

    def opens_page(self, url: str = "") -> Page:
        """The enroll page; with ``url``, the one that the processor's own site sends riders back to."""
        return Page(self.client.get(url or self.url, follow=True, secure=url.startswith("https:")))

    def asks_for_token(self, page: Page | None = None) -> Any:
        """The JSON answer to the page's request for access to card tokenization."""
        return self._posts_json(page, "tokenUrl", {})

    def tells(self, event: str, status: int | None = None, page: Page | None = None) -> Any:
        """The JSON answer to a report on the card form: ``started``, ``tokenized``, ``refused``, ``failed``,
        ``cancelled`` or ``form_not_loaded``. ``status`` is the one that came with an error of the card form."""
        return self._posts_json(page, "reportUrl", {"event": event, "status": status})

    def follows(self, answer: Any) -> Any:
        """The page that a JSON answer sends the rider to."""
        return self.client.get(answer.json()["redirect"], follow=True, secure=answer.wsgi_request.is_secure())

    def enrolls(self, card_token: str = "", page: Page | None = None) -> Any:
        """The last page. A rider who comes back from the processor's own site needs no card token."""
        page = page or self.opens_page()
        if not page.data:
            return page.response
        return self._posts(page, {**page.inputs, "card_token": card_token})

    def checks_again(self, response: Any) -> Any:
        """The page that "Check again" leads to; ``response`` is the still-checking page."""
        page = Page(response)
        return self._posts(page, page.inputs)

    def _posts(self, page: Page, inputs: dict[str, str]) -> Any:
        return self.client.post(page.path, inputs, follow=True, secure=page.is_secure, headers={"Referer": page.url})

    def _posts_json(self, page: Page | None, address: str, body: dict[str, Any]) -> Any:
        page = page or self.opens_page()
        if not page.data:
            return page.response
        body = {**body, "made_for": page.data["madeFor"]}
        headers = {"Referer": page.url, "X-CSRFToken": page.inputs["csrfmiddlewaretoken"]}
        return self.client.post(
            page.data[address], body, content_type="application/json", secure=page.is_secure, headers=headers
        )


class Page:
    """A page that was opened: its ``response``, the hidden ``inputs`` of its form, and the ``data`` of its script. The
    last two are empty if it has none."""

    def __init__(self, response: Any) -> None:
        parts = _Parts()
        parts.feed(response.content.decode())
        self.response = response
        self.url: str = response.wsgi_request.build_absolute_uri()
        self.path: str = response.wsgi_request.get_full_path()
        self.is_secure: bool = response.wsgi_request.is_secure()
        self.inputs = parts.inputs
        self.data: dict[str, Any] = json.loads(parts.data or "{}")


class _Parts(HTMLParser):
    """Reads the page's data for the script, even if the site has changed the rest of the template."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[str, str] = {}
        self.data = ""
        self._in_form = self._in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._in_form = given.get("data-enrollment") in ("form", "check")
        if tag == "script":
            self._in_data = given.get("id") == "enrollment-data"
        if tag == "input" and self._in_form and given.get("type") == "hidden":
            self.inputs[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        if tag == "script":
            self._in_data = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data
