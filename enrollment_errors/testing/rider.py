"""A rider's browser for a site's tests: Django's test client, and what the page's script would do with it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse


class Rider:
    """Opens the enroll page, and asks, tells and posts what that page says, as its script does.

    ``client`` is a test client whose session the site's adapter takes for an eligible rider; ``namespace`` is the
    inclusion of the URLs. Each step opens the enroll page anew, unless it gets a ``page`` that was opened before, such
    as one in another tab. Where the page has no card form, because the rider may not enroll or the circuit is open, a
    step gets no further than that page, and returns its response.
    """

    def __init__(self, client: Client, *, namespace: str = "enrollment_errors") -> None:
        self.client = client
        self.url = reverse(f"{namespace}:enroll")

    def opens_page(self, url: str = "") -> Page:
        """The enroll page; with ``url``, at the address that the processor's own site sends riders back to."""
        return Page(self.client.get(url or self.url, follow=True, secure=url.startswith("https:")))

    def asks_for_token(self, page: Page | None = None) -> Any:
        """The answer to the page's request for access to card tokenization, which is JSON."""
        return self._posts_json(page, "tokenUrl", {})

    def tells(self, event: str, status: int | None = None, page: Page | None = None) -> Any:
        """The answer to a report on the card form, which is JSON: ``started``, ``tokenized``, ``refused``, ``failed``,
        ``cancelled`` or ``form_not_loaded``, and the status that an error of the card form came with."""
        return self._posts_json(page, "reportUrl", {"event": event, "status": status})

    def follows(self, answer: Any) -> Any:
        """The page to which an answer in JSON sends the rider."""
        return self.client.get(answer.json()["redirect"], follow=True, secure=answer.wsgi_request.is_secure())

    def enrolls(self, card_token: str = "", page: Page | None = None) -> Any:
        """The page at the end. A rider who is back from the processor's own site brings no card token."""
        page = page or self.opens_page()
        if not page.data:
            return page.response
        return self._posts(page, {**page.inputs, "card_token": card_token})

    def checks_again(self, response: Any) -> Any:
        """The page to which "Check again" leads, on the still-checking page that ``response`` is."""
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
    last two are empty where it has none."""

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
    """Reads what a page has for the script, whatever the site has made of the rest of the template."""

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
