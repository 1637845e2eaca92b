"""A strict Content-Security-Policy with nonces only blocks nothing, neither from django-csp nor from Django itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.pages import gallery

from .gallery_site import CARD_FORM, LANGUAGES, address, serve

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

ELSEWHERE = "http://card-form.test/form.js"
POLICY: dict[str, list[str]] = {
    "default-src": ["'none'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
}


def django_csp() -> dict[str, Any]:
    from csp.constants import NONCE

    directives = {**POLICY, "script-src": [NONCE], "style-src": [NONCE]}
    return {
        "MIDDLEWARE": ["csp.middleware.CSPMiddleware"],
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": directives},
    }


def django_itself() -> dict[str, Any]:
    if django.VERSION < (6, 0):
        pytest.skip("Django 6 is missing: older ones have no Content-Security-Policy of their own")
    from django.utils.csp import CSP

    templates = copy.deepcopy(django_settings.TEMPLATES)
    templates[0]["OPTIONS"]["context_processors"].append("django.template.context_processors.csp")
    return {
        "MIDDLEWARE": ["django.middleware.csp.ContentSecurityPolicyMiddleware"],
        "SECURE_CSP": {**POLICY, "script-src": [CSP.NONCE], "style-src": [CSP.NONCE]},
        "TEMPLATES": templates,
    }


@pytest.fixture(scope="module", params=[django_csp, django_itself], ids=["django-csp", "django"])
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(**request.param()) as base:
        yield base


@pytest.fixture
def stopped() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, stopped: list[str]) -> Iterator[Page]:
    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            stopped.append(message.text)

    with browser.new_context() as context:
        page = context.new_page()
        page.on("console", listen)
        yield page


@pytest.mark.parametrize("name", gallery.ALL)
def test_nothing_is_stopped(page: Page, site: str, stopped: list[str], name: str) -> None:
    response = page.goto(address(site, name, LANGUAGES[1], signed_in=True))
    assert response
    assert "unsafe" not in response.headers["content-security-policy"]
    expect(page.locator(".enrollment-help")).to_have_css("display", "grid")
    if page.locator("#enrollment-open").count():
        page.wait_for_selector("#enrollment-open:enabled")
    assert stopped == []


def test_the_card_form_may_come_from_elsewhere(page: Page, site: str, stopped: list[str]) -> None:
    page.route(ELSEWHERE, lambda route: route.fulfill(body=CARD_FORM, content_type="text/javascript"))
    page.goto(f"{address(site, 'enroll')}?card_form={ELSEWHERE}")
    page.wait_for_selector("#enrollment-open:enabled")
    assert stopped == []


def test_a_page_can_be_posted(page: Page, site: str, stopped: list[str]) -> None:
    page.goto(address(site, "enroll-redirect") + "?returned")
    expect(page).to_have_title("posted")
    assert stopped == []


def test_the_policy_is_enforced(page: Page, site: str, stopped: list[str]) -> None:
    page.goto(address(site, "success"))
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    assert stopped
