"""A mistake affects only its own agency: riders are told, operators hear once, and other agencies go on."""

from __future__ import annotations

import re

import requests

from tests.waiting import wait_until

from .serving import Region


class Visitor:
    """A rider over HTTP. It enters a card as the page's script would."""

    def __init__(self, region: Region, agency: str) -> None:
        self.region, self.http = region, requests.Session()
        self.http.trust_env = False
        self.page = self.http.get(region.qualifies_at(agency), timeout=20)

    def enrolls(self, card_token: str) -> requests.Response:
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', self.page.text))
        return self.http.post(self.page.url, {**hidden, "card_token": card_token}, timeout=20)

    def is_sent_to(self) -> str:
        """Where the token view sends a rider."""
        made_for = re.search(r'"madeFor": "(\w+)"', self.page.text)
        csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page.text)
        assert made_for
        assert csrf
        answer = self.http.post(
            f"{self.region.url}/enrollment/token/",
            json={"made_for": made_for[1]},
            headers={"X-CSRFToken": csrf[1]},
            timeout=20,
        )
        return str(answer.json()["redirect"])


def ends_of_others(region: Region) -> set[str]:
    """Enrolls a rider at each agency that has a working account."""
    region.sandboxes["littlepay"].state.add_card("card")
    ended = {Visitor(region, "coast").enrolls("card").url, Visitor(region, "harbor").enrolls("7777-x").url}
    assert Visitor(region, "valley").is_sent_to().startswith(region.sandboxes["switchio"].control_url)
    return {url.partition("/enrollment/")[2].partition("/")[0] for url in ended}


def test_riders_of_a_broken_account_get_the_page_that_says_it_is_our_side_and_nobody_else_notices(region):
    for _ in range(3):
        page = Visitor(region, "island").page
        assert page.status_code == 500
        assert "Something went wrong on our side" in page.text
    assert ends_of_others(region) == {"success"}


def test_its_operators_hear_once_what_is_wrong_and_where(region):
    for _ in range(3):
        Visitor(region, "island")
    [told] = [line for line in region.told().splitlines() if line.startswith("ERROR") and "account island" in line]
    assert re.search(r"FileNotFoundError at \S+/accounts\.py:\d+ in secret", told)


def test_the_check_warns_of_it_and_no_command_is_stopped(region):
    checked = region.run("check", "--deploy")
    assert checked.returncode == 0
    assert "enrollment_errors.W010" in checked.stderr
    assert "island" in checked.stderr
    for command in ("check", "showmigrations"):
        assert region.run(command).returncode == 0


def test_the_doctor_names_it_and_examines_the_others(region):
    said = region.run("enrollment_doctor").stdout
    rows = {line.split()[1]: line for line in said.splitlines() if line.startswith("FAIL")}
    assert "island" in rows
    assert set(rows) <= {"island", "reef"}, said
    for agency in ("coast", "valley", "harbor"):
        assert re.search(rf"^ok +{agency} \({agency}\) +groups", said, re.MULTILINE), said


def test_one_is_mended_in_the_vault_without_a_restart(region):
    assert Visitor(region, "reef").page.status_code == 500
    region.put_in_the_vault("reef-tokenization-secret", region.sandboxes["switchio"].state.api_secret)
    wait_until(lambda: Visitor(region, "reef").page.status_code == 200, "the mended account")
    assert Visitor(region, "reef").is_sent_to().startswith(region.sandboxes["switchio"].control_url)
    assert "account reef can be used again" in region.told()


def test_a_secret_is_rotated_without_a_restart(region):
    littlepay = region.sandboxes["littlepay"]
    littlepay.service.adopt({"CLIENT_SECRET": "rotated"})
    littlepay.state.add_card("card")
    assert "/server-error/" in Visitor(region, "coast").enrolls("card").url
    before = (region.folder / "vault" / "coast-client-secret").read_text()
    region.put_in_the_vault("coast-client-secret", "rotated")
    try:
        wait_until(lambda: "/success/" in Visitor(region, "coast").enrolls("card").url, "the rotated secret")
    finally:
        region.put_in_the_vault("coast-client-secret", before)
