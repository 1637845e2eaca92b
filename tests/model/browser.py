"""A browser without a screen: tabs that share cookies, pages with forms, and the requests of the page's script."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from enrollment_errors.references import ALPHABET

PATIENCE = 30
"""Seconds. Only a test that fails waits this long."""
_PAGE = re.compile(r'class="enrollment enrollment-([a-z_]+)')
_REFERENCE = re.compile(rf"\b[{ALPHABET}]{{3}}-[{ALPHABET}]{{3}}-[{ALPHABET}]{{3}}\b")


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.benefit = ""
        self.action = ""
        self.inputs: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        self._in_form = self._in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "html":
            self.benefit = found.get("data-benefit") or ""
        elif tag == "form" and found.get("data-enrollment"):  # and not the button "Next rider"
            self._in_form = True
            self.action = found.get("action") or ""
        elif tag == "input" and self._in_form and found.get("name"):
            self.inputs[str(found["name"])] = found.get("value") or ""
        elif tag == "script":
            self._in_data = found.get("id") == "enrollment-data"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data = json.loads(data)
            self._in_data = False


@dataclass(frozen=True)
class Page:
    """``name`` is empty if the page is not ours. ``benefit`` is the one that it names, ``inputs`` are its form's."""

    name: str
    status: int
    url: str
    action: str = ""
    benefit: str = ""
    reference: str = ""
    inputs: dict[str, str] = field(default_factory=dict, repr=False)
    data: dict[str, Any] = field(default_factory=dict, repr=False)


def page_of(response: requests.Response) -> Page:
    parser = _Parser()
    parser.feed(response.text)
    name = _PAGE.search(response.text)
    # The success page does not show its reference, but its address has it.
    reference = _REFERENCE.search(response.text) or _REFERENCE.search(response.url)
    return Page(
        name=name[1] if name else "",
        status=response.status_code,
        url=response.url,
        action=urljoin(response.url, parser.action),
        benefit=parser.benefit,
        reference=reference[0] if reference else "",
        inputs=parser.inputs,
        data=parser.data,
    )


class Browser:
    """``base`` is where the site includes the enrollment. It is safe for threads: each tab's request runs in one."""

    def __init__(self, site: str, base: str) -> None:
        self._site = site
        self.base = base
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Connection": "close", "Accept-Language": "en"})

    def close(self) -> None:
        self._session.close()

    def cookie(self, name: str) -> str | None:
        return next((cookie.value for cookie in self._session.cookies if cookie.name == name), None)

    def opens(self, url: str) -> Page | None:
        """The page that ``url`` leads to, or ``None`` if no answer came."""
        return self._follows("GET", url)

    def posts(self, page: Page, name: str = "", **inputs: str) -> Page | None:
        """Posts the form of ``page`` with its hidden fields. The site tells which process serves ``name``."""
        headers = {"Referer": page.url, "X-Request-Name": name}
        return self._follows("POST", page.action, data={**page.inputs, **inputs}, headers=headers)

    def asks(self, page: Page, url: str, **body: Any) -> dict[str, Any] | None:
        """Sends a request as the script of ``page`` would."""
        if "madeFor" in page.data:
            body["made_for"] = page.data["madeFor"]
        headers = {"X-CSRFToken": page.inputs["csrfmiddlewaretoken"], "Referer": page.url}
        response = self._requests("POST", url, json=body, headers=headers)
        try:
            return None if response is None else dict(response.json())
        except ValueError:
            return {}

    def does(self, path: str) -> None:
        """Posts to one of the site's own views, which change its session."""
        response = self._requests("POST", path)
        assert response is not None
        assert response.ok, f"{path}: {response.status_code}"

    def reads(self, path: str) -> Any:
        response = self._requests("GET", path)
        assert response is not None
        return response.json()

    def _follows(self, method: str, url: str, **kwargs: Any) -> Page | None:
        for _ in range(5):
            response = self._requests(method, url, **kwargs)
            if response is None or response.status_code not in (302, 303):
                break
            method, url, kwargs = "GET", urljoin(response.url, response.headers["Location"]), {}
        return None if response is None else page_of(response)

    def _requests(self, method: str, url: str, **kwargs: Any) -> requests.Response | None:
        address = urljoin(self._site, url)
        assert urlsplit(address).netloc == urlsplit(self._site).netloc, "a rider was led away from the site"
        # Browsers repeat a GET if the server closes the connection before it answers.
        for _ in range(1 if method == "POST" else 3):
            try:
                return self._session.request(method, address, timeout=PATIENCE, allow_redirects=False, **kwargs)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                continue
        return None


def new_name() -> str:
    return uuid.uuid4().hex
