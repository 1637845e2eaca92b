"""A new user with only the README: a bare site, the built wheel, and each step word for word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.packaging.distribution import run

from .bare_site import Walk
from .blocks import FIVE_MINUTES, ROOT, blocks_of

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

INSTALL = "python -m pip install django-enrollment-errors"


class Browser:
    """Opens a page and does what its script and the card form do."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exc: object) -> None:
        self.session.close()

    def open(self, url: str) -> requests.Response:
        response = self.session.get(url, timeout=20)
        assert response.status_code == 200, response.text
        return response

    def enroll(self, page: requests.Response) -> requests.Response:
        data = json.loads(re.search(r'id="enrollment-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)[1])
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        for address in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text):
            self.open(urljoin(page.url, address))
        self.open(data["cardForm"]["script"])
        headers = {"X-CSRFToken": csrf, "Referer": page.url}
        made_for = {"made_for": data["madeFor"]}
        asked = self.session.post(urljoin(page.url, data["tokenUrl"]), json=made_for, headers=headers, timeout=20)
        card_token = self.choose_first_card(data["cardForm"]["data"]["envUrl"], asked.json()["token"])
        return self.session.post(
            page.url,
            data={"csrfmiddlewaretoken": csrf, "card_token": card_token, **made_for},
            headers={"Referer": page.url},
            timeout=20,
        )

    def choose_first_card(self, form: str, token: str) -> str:
        headers = {"Authorization": token}
        card = requests.get(f"{form}/card-form/cards", headers=headers, timeout=20).json()[0]["key"]
        answer = requests.post(f"{form}/card-form/use", params={"card": card}, headers=headers, timeout=20).json()
        return str(answer["response"]["token"])


@pytest.fixture
def walk(tmp_path: Path, python: Path) -> Iterator[Walk]:
    run(python, "-m", "django", "startproject", "mysite", tmp_path, cwd=tmp_path)
    walk = Walk(tmp_path, python)
    yield walk
    walk.end()


def test_a_bare_site_reaches_its_first_enrollment_word_for_word(walk):
    first, *rest = blocks_of(ROOT / "README.md", section=FIVE_MINUTES)
    assert first.code.strip() == INSTALL  # already done in the environment that these tests share
    for block in rest:
        walk.follow(block)
    walk.wait_for_servers()
    with Browser() as browser:
        end = browser.enroll(browser.open(f"{walk.site_url}/qualify/"))
    assert end.status_code == 200
    assert end.url.startswith(f"{walk.site_url}/enrollment/success/")
    assert "Mountain Valley Transit" in end.text
    state = requests.get(f"http://127.0.0.1:{walk.ports['sandbox']}/sandbox/state", timeout=20).json()
    assert state["groups"]["group-seniors"]["members"] == 1
