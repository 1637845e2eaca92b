"""A rider without a browser, who sends what the pages and their script would send, over real HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import requests


class Rider:
    """Keeps cookies and sends CSRF tokens. ``enrollment`` is the path of the enroll page."""

    def __init__(self, site: str, enrollment: str = "/enrollment/") -> None:
        self.site, self.enrollment = site, enrollment
        self.session = requests.Session()

    def __enter__(self) -> Rider:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def get(self, address: str) -> requests.Response:
        return self.session.get(requests.compat.urljoin(self.site, address), timeout=10)

    def post(self, address: str, data: Any = None, *, json: Any = None) -> requests.Response:
        url = requests.compat.urljoin(self.site, address)
        if "csrftoken" not in self.session.cookies:
            self.get("/")
        headers = {"X-CSRFToken": self.session.cookies["csrftoken"]}
        return self.session.post(url, data=data, json=json, headers=headers, timeout=10)

    def sign_in(self, benefit: str, who: str = "qualifies") -> requests.Response:
        """Goes from the benefit's page to the identity provider. Returns the page that the rider comes back to."""
        asked = self.get(f"/sign-in/?next={benefit}")
        return self.post(asked.url, {"rider": who})

    def qualify(self, benefit: str = "older-adult", agency: str = "mountain") -> requests.Response:
        """Returns the page with the card form."""
        page = f"/agencies/{agency}/{benefit}/"
        if benefit == "agency-card":
            return self.post(page, {"card_number": "123456"})
        self.sign_in(page)
        return self.post(page)

    def enroll(self, card: str = "visa", way: str = "") -> requests.Response:
        """Does what the enroll page's script does if the rider chooses that card. Returns the page at the end."""
        found = re.search(
            r'id="enrollment-data" type="application/json">(.*?)</script>', self.get(self.enrollment).text
        )
        assert found, "no enroll page"
        data = json.loads(found[1])
        answer = self.post(data["tokenUrl"], json={"made_for": data["madeFor"]}).json()
        if "/gateway/" in answer.get("redirect", ""):
            return self._visit(answer["redirect"], card=card, way=way)
        if "token" not in answer:
            return self.get(answer["redirect"])
        script = requests.get(data["cardForm"]["script"], timeout=10)
        if not script.ok:
            return self._tell(data, "form_not_loaded")
        self._tell(data, "started")
        use = f"{data['cardForm']['data']['envUrl']}/card-form/use?card={card}"
        told = requests.post(use, headers={"Authorization": answer["token"]}, timeout=10).json()
        if told["callback"] == "onVerificationFailure":
            return self._tell(data, "refused")
        if told["callback"] == "onError":
            return self._tell(data, "failed", told["response"].get("status"))
        self._tell(data, "tokenized")
        return self.post(self.enrollment, {"made_for": data["madeFor"], "card_token": told["response"]["token"]})

    def _visit(self, gateway: str, **chosen: str) -> requests.Response:
        """Goes to the processor's own site and back, and then does what the page's script does."""
        told = requests.post(gateway, chosen, timeout=10, allow_redirects=False)
        page = self.get(told.headers["Location"])
        hidden = dict(re.findall(r'<input type="hidden" name="(made_for|returned)"(?: value="([^"]*)")?', page.text))
        return self.post(page.url, {**hidden, "card_token": ""})

    def _tell(self, data: dict[str, Any], event: str, status: int | None = None) -> requests.Response:
        answer = self.post(data["reportUrl"], json={"made_for": data["madeFor"], "event": event, "status": status})
        redirect = answer.json()["redirect"]
        return self.get(redirect) if redirect else answer
