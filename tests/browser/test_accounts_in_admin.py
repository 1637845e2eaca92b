"""In the running demo's admin, an operator adds an agency, rotates its secret, and breaks and repairs its account.
Nothing restarts, the next rider sees each change, and no rider of another agency notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import django
import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from enrollment_errors.sandbox.littlepay import Littlepay
from enrollment_errors.sandbox.server import SandboxServer
from tests.example.rider import Rider
from tests.example.running import RunningDemo, run_demo

from .other_riders import OtherRiders
from .walks import HEADINGS, Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci_only]

SECRETS = {"COAST_SECRET": "the first", "COAST_SECRET_ROTATED": "the second"}
"""The site's environment has these, as a deployment's vault would."""

GROUP = "coast-older-adult"


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """This one waits for the processor as long as a real site, so that other riders do not fail on a busy machine."""
    yield from run_demo(budget=8, environment=SECRETS)


class CoastsProcessor:
    """The new agency's own processor, which the test controls over HTTP."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.control_url = sandbox.control_url

    def wants(self, secret: str) -> None:
        requests.post(
            f"{self.control_url}/sandbox/account", json={"CLIENT_SECRET": secret}, timeout=5
        ).raise_for_status()

    @property
    def options(self) -> dict[str, str]:
        """The options as an operator enters them, with the name of the secret in place of the secret."""
        account = requests.get(f"{self.control_url}/sandbox/account", timeout=5).json()
        return {**account["OPTIONS"], "CLIENT_SECRET": "COAST_SECRET"}

    @property
    def enrolled(self) -> int:
        state = requests.get(f"{self.control_url}/sandbox/state", timeout=5).json()
        return int(state["groups"][GROUP]["members"])


@pytest.fixture
def processor() -> Iterator[CoastsProcessor]:
    with SandboxServer(Littlepay({GROUP: "Older adults"})) as sandbox:
        processor = CoastsProcessor(sandbox)
        processor.wants(SECRETS["COAST_SECRET"])
        yield processor


@pytest.fixture
def stopped() -> list[str]:
    """What the demo's strict Content-Security-Policy has blocked."""
    return []


@pytest.fixture
def open_page(browser: Browser, stopped: list[str]) -> Iterator[Callable[[], Page]]:
    """Opens a page in a browser that has never visited the site."""

    def listen(message: ConsoleMessage) -> None:
        # Before Django 6.1, the admin's own pages have scripts and styles that such a policy blocks.
        if "Content Security Policy" in message.text and django.VERSION >= (6, 1):
            stopped.append(message.text)

    with ExitStack() as ending:

        def open_page() -> Page:
            context = ending.enter_context(browser.new_context(locale="en-US"))
            context.set_default_timeout(20_000)
            page = context.new_page()
            page.on("console", listen)
            return page

        yield open_page


class Operator:
    def __init__(self, page: Page, site: str) -> None:
        self.page, self.accounts = page, f"{site}/admin/enrollment_accounts/account/"
        self.agencies = f"{site}/admin/example/agency/"
        page.goto(f"{site}/demo/operator/")
        page.get_by_role("button", name="Open the processor accounts").click()
        page.wait_for_url(self.accounts)

    def add_account(self, name: str, options: dict[str, str]) -> None:
        self.page.goto(f"{self.accounts}add/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Processor").select_option(label="littlepay")
        self._save()
        self._fill({**options, "In use": True})

    def add_agency(self, name: str, slug: str, account: str, flow: str, group: str) -> None:
        page = self.page
        page.goto(f"{self.agencies}add/")
        page.get_by_label("Name:").fill(name)
        page.get_by_label("Slug:").fill(slug)
        page.get_by_label("Account:").select_option(label=account)
        page.locator("[name=groups-0-flow]").select_option(label=flow)
        page.locator("[name=groups-0-group_id]").fill(group)
        self._save()
        expect(page.locator(".messagelist .success")).to_contain_text("was added successfully")

    def takes_out_group(self, agency: str, group: str) -> None:
        self.page.goto(self.agencies)
        self.page.locator("#result_list").get_by_role("link", name=agency).click()
        row = self.page.locator("tr.form-row", has=self.page.locator(f"input[value='{group}']"))
        row.locator("input[type=checkbox]").check()
        self._save()
        expect(self.page.locator(".messagelist .success")).to_contain_text("was changed successfully")

    def change_account(self, name: str, **fields: str | bool) -> None:
        self._open(name)
        self._fill(fields)

    def is_refused(self, name: str, **fields: str | bool) -> str:
        """Returns the error next to the field."""
        self._open(name)
        self._enter(fields)
        self._save()
        return self.page.locator(f".field-{next(iter(fields))} .errorlist").inner_text()

    def tests_account(self, name: str) -> dict[str, str]:
        """Returns what each probe found, by the name of the probe."""
        self._open(name)
        self.page.get_by_role("button", name="Test this account").click()
        self.page.get_by_role("heading", name=f"Test of {name}").wait_for()
        rows = self.page.locator("#content-main tbody tr").all()
        return {row.locator("th").inner_text(): " ".join(row.locator("td").all_inner_texts()) for row in rows}

    def reads_history(self, name: str) -> list[str]:
        self._open(name)
        self.page.get_by_role("link", name="History").click()
        self.page.get_by_role("heading", name=f"Change history: {name}").wait_for()
        return self.page.locator("#change-history tbody td:last-child").all_inner_texts()

    def _open(self, name: str) -> None:
        self.page.goto(self.accounts)
        self.page.locator("#result_list").get_by_role("link", name=name, exact=True).click()

    def _enter(self, fields: dict[str, Any]) -> None:
        for label, value in fields.items():
            field = self.page.get_by_label(label)
            if isinstance(value, bool):
                field.set_checked(value)
            else:
                field.fill(value)

    def _fill(self, fields: dict[str, Any]) -> None:
        self._enter(fields)
        self._save()
        expect(self.page.locator(".messagelist .success")).to_contain_text("was changed successfully")

    def _save(self) -> None:
        self.page.get_by_role("button", name="Save", exact=True).click()


class Coast:
    """Riders of the new agency, each in a browser of their own."""

    def __init__(self, demo: RunningDemo, open_page: Callable[[], Page]) -> None:
        self.demo, self.open_page = demo, open_page

    def rider_enrolls(self) -> None:
        rider = self._qualified()
        rider.use_card("visa")
        rider.page.wait_for_url("**/success/**")
        expect(rider.page.locator("h1")).to_have_text(HEADINGS["success"])
        expect(rider.page.locator("body")).to_contain_text("Coast Line")

    def rider_is_told_that_it_is_our_side(self) -> str:
        """Returns the reference on the page."""
        rider = self._qualified()
        rider.page.wait_for_url("**/server-error/**")
        expect(rider.page.locator("h1")).to_have_text(HEADINGS["server-error"])
        assert rider.reference
        return rider.reference

    def _qualified(self) -> Walk:
        rider = Walk(self.open_page(), self.demo, "en")
        rider.qualify(agency="coast")
        return rider


def test_an_agency_is_added_rotated_broken_and_mended_while_others_enroll(
    demo: RunningDemo, processor: CoastsProcessor, open_page: Callable[[], Page], stopped: list[str]
) -> None:
    demo.choose("healthy")
    operator, coast = Operator(open_page(), demo.url), Coast(demo, open_page)
    with OtherRiders(demo.url, ("mountain", "harbor", "desert")) as others:
        others.go_on()

        operator.add_account("coast", processor.options)
        operator.add_agency("Coast Line", "coast", account="coast", flow="Older adults", group=GROUP)
        coast.rider_enrolls()
        said = f"the account has {GROUP} (Older adults)"
        assert set(operator.tests_account("coast")["groups"].split()) == {"ok", *said.split()}
        others.go_on()

        processor.wants(SECRETS["COAST_SECRET_ROTATED"])
        operator.change_account("coast", CLIENT_SECRET="COAST_SECRET_ROTATED")
        coast.rider_enrolls()
        others.go_on()

        told = operator.is_refused("coast", CLIENT_SECRET="COAST_SECRET_MISTYPED")
        assert 'there is no secret named "COAST_SECRET_MISTYPED"' in told
        coast.rider_enrolls()

        operator.change_account("coast", CLIENT_ID="another agency's")  # only the processor can tell that it is wrong
        reference = coast.rider_is_told_that_it_is_our_side()
        [told_once], _ = demo.events(sentry=1, amplitude=0)
        assert told_once["tags"]["enrollment.reference"] == reference
        assert "it does not know this client id with this secret" in operator.tests_account("coast")["access"]
        others.go_on()

        operator.change_account("coast", CLIENT_ID=processor.options["CLIENT_ID"])
        coast.rider_enrolls()
        assert operator.tests_account("coast")["access"].startswith("ok")

        others.go_on()
    assert others.failed == []
    assert len(demo.events(sentry=1, amplitude=0)[0]) == 1
    assert stopped == []
    assert processor.enrolled == 4
    done = ["Changed CLIENT_SECRET.", "Changed CLIENT_ID.", "Changed CLIENT_ID."]
    assert operator.reads_history("coast")[-3:] == done


def test_of_an_account_that_is_taken_out_of_use_operators_hear_once_and_when_it_is_mended(
    demo: RunningDemo, open_page: Callable[[], Page]
) -> None:
    demo.choose("healthy")
    operator = Operator(open_page(), demo.url)
    with OtherRiders(demo.url, ("mountain",)) as others:
        operator.change_account("harbor", **{"In use": False})
        for _ in range(2):
            with Rider(demo.url) as rider:
                assert rider.qualify("agency-card", "harbor").status_code == 500
        others.go_on()
        operator.change_account("harbor", **{"In use": True})
        with Rider(demo.url) as rider:
            rider.qualify("agency-card", "harbor")
            assert "/enrollment/success/" in rider.enroll().url
        others.go_on()
    assert others.failed == []
    broken, mended = (event["message"] for event in demo.events(sentry=2, amplitude=0)[0])
    subject = "Riders of the account harbor cannot enroll (account_unusable)."
    assert broken.startswith(f'{subject}\n\nThe account "harbor" is not in use')
    assert mended.startswith("The account harbor can be used again.")


def test_what_an_agency_no_longer_offers_nobody_enrolls_into(demo: RunningDemo, open_page: Callable[[], Page]) -> None:
    demo.choose("healthy")
    operator = Operator(open_page(), demo.url)
    with Rider(demo.url) as rider:
        rider.qualify("older-adult", "harbor")
        operator.takes_out_group("Harbor Bus Lines", "harbor-older-adult")
        assert rider.get("/enrollment/").status_code == 403
        assert "older-adult" not in rider.get("/agencies/harbor/").text
