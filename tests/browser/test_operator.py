"""From what a rider reads aloud on the phone, someone who does not know the code learns which call failed, and why."""

from __future__ import annotations

from collections.abc import Iterator

import django
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.example.running import RunningDemo, run_demo

from .walks import Walk

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

demo = pytest.fixture(scope="module", name="demo")(run_demo)


@pytest.fixture
def stopped() -> list[str]:
    """What the demo's strict Content-Security-Policy has blocked."""
    return []


@pytest.fixture
def rider(browser: Browser, demo: RunningDemo) -> Iterator[Walk]:
    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(15_000)
        yield Walk(context.new_page(), demo, "en")


@pytest.fixture
def operator(browser: Browser, demo: RunningDemo, stopped: list[str]) -> Iterator[Page]:
    """An operator who is signed in, on the admin's first page."""

    def listen(message: ConsoleMessage) -> None:
        # Before Django 6.1, the admin's own pages have scripts and styles that such a policy blocks.
        if "Content Security Policy" in message.text and django.VERSION >= (6, 1):
            stopped.append(message.text)

    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", listen)
        page.goto(f"{demo.url}/demo/operator/")
        page.get_by_role("button", name="Sign in to the admin as an operator").click()
        yield page


def fail_at_the_link(rider: Walk, operator: Page) -> str:
    """Returns the rider's reference once the operator can find it: the app writes the incident after the answer."""
    rider.demo.choose("error-503")
    rider.qualify()
    rider.use_card("visa")
    rider.page.wait_for_url("**/system-error/**")
    assert rider.reference
    search = f"{rider.demo.url}/admin/enrollment_incidents/incident/?q={rider.reference}"
    for _ in range(100):
        if operator.request.get(search).url.endswith("/change/"):  # where a search for a known reference leads
            return rider.reference
        operator.wait_for_timeout(100)
    pytest.fail("The incident was never written.")


def test_from_a_reference_to_the_call_that_failed_and_why_are_two_clicks(
    rider: Walk, operator: Page, stopped: list[str]
) -> None:
    reference = fail_at_the_link(rider, operator)

    operator.get_by_role("link", name="Incidents", exact=True).first.click()
    operator.locator("#searchbar").fill(reference.lower().replace("-", " "))
    operator.get_by_role("button", name="Search").click()

    main = operator.locator("#content-main")
    expect(main).to_contain_text(reference)
    expect(main).to_contain_text("POST api/v1/concession_groups/{group_id}/fundingsources")
    expect(main).to_contain_text("The processor answered with a status of 500 or above.")
    expect(main).to_contain_text("503")
    expect(main).to_contain_text("If this continues for more than 15 minutes, open a ticket with the processor")
    assert stopped == []


def test_the_incident_leads_to_its_sentry_event(rider: Walk, operator: Page) -> None:
    reference = fail_at_the_link(rider, operator)
    operator.goto(f"{rider.demo.url}/admin/enrollment_incidents/incident/?q={reference}")

    link = operator.locator(".field-sentry_event a")
    event = operator.request.get(str(link.get_attribute("href")))

    assert event.ok
    assert f'id="{str(link.get_attribute("href")).partition("#")[2]}"' in event.text()


def test_the_overview_shows_the_cause_the_circuits_and_the_charts_without_a_script_or_a_style_of_its_own(
    rider: Walk, operator: Page, stopped: list[str]
) -> None:
    fail_at_the_link(rider, operator)

    operator.get_by_role("link", name="Overview", exact=True).first.click()

    causes = operator.get_by_role("region", name="Causes")
    expect(causes.get_by_role("row").filter(has_text="Processor error")).to_contain_text("Mountain Valley Transit")
    expect(operator.get_by_role("region", name="Calls to the processors, now")).to_contain_text("circuit closed")
    chart = operator.get_by_role("group", name="Mountain Valley Transit, account mountain")
    expect(chart.locator("rect.outcome-system_error")).not_to_have_count(0)
    assert (
        chart.locator("rect.outcome-system_error").first.evaluate("bar => getComputedStyle(bar).fill")
        == "rgb(230, 159, 0)"
    )
    assert stopped == []


def test_from_a_cause_to_an_incident_of_it_are_two_clicks(rider: Walk, operator: Page) -> None:
    reference = fail_at_the_link(rider, operator)
    operator.get_by_role("link", name="Overview", exact=True).first.click()

    operator.get_by_role("link", name="Processor error", exact=True).first.click()
    operator.get_by_role("link", name=reference).click()

    expect(operator.locator("#content-main")).to_contain_text("What to do")


def test_from_a_bar_to_an_incident_of_it_are_two_clicks(rider: Walk, operator: Page) -> None:
    reference = fail_at_the_link(rider, operator)
    operator.get_by_role("link", name="Overview", exact=True).first.click()

    operator.get_by_role("group", name="Mountain Valley Transit").get_by_role("link").last.click()
    operator.get_by_role("link", name=reference).click()

    expect(operator.locator("#content-main")).to_contain_text("What to do")


def test_the_overview_fits_a_phone(rider: Walk, operator: Page) -> None:
    fail_at_the_link(rider, operator)
    operator.set_viewport_size({"width": 390, "height": 844})

    operator.goto(f"{rider.demo.url}/admin/enrollment_incidents/ending/")

    expect(operator.get_by_role("region", name="How many succeed")).to_contain_text("0%")
    assert operator.evaluate("document.documentElement.scrollWidth") == 390
