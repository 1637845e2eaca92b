"""What the browser's side of every processor must do, as Chromium tests for a processor's author to inherit.

::

    class TestOurCardForm(CardFormConformance):
        @pytest.fixture
        def form(self):
            return OurCardForm()

The page is the real one, with the processor's own adapter, under a Content-Security-Policy of nonces only. No server
runs: this suite answers the browser's requests, and a ``FormBackend`` answers those to the processor's URLs. Needs the
plugin ``enrollment_errors.testing.plugin`` for its fixture ``enrollment_browser``.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import include, path

from ..adapter import Adapter, Agency, Enrollment
from ..processors.base import Processor
from ..processors.types import CardForm, CardFormKind, TokenizationRequest
from .private_cache import add_private_cache

SITE = "https://site.example"
GATEWAY = "https://gateway.example/visit/1"
NONCE = "conformance"
PARTS = {
    "script-src": [f"'nonce-{NONCE}'"],
    "style-src": [f"'nonce-{NONCE}'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "default-src": ["'none'"],
}

urlpatterns = [path("enrollment/", include("enrollment_errors.urls"))]


class FormBackend(Protocol):
    """The processor's card form in a browser.

    ``addresses`` has what a browser finds there: content type and text by full URL. ``ends`` are the ends that the form
    can come to: ``tokenized``, ``refused``, ``failed``, ``cancelled`` and ``invalid`` (a field that the rider must
    correct); empty for a redirect flow.
    """

    processor: type[Processor]
    options: dict[str, Any]
    addresses: Mapping[str, tuple[str, str]]
    ends: Sequence[str]

    def finish(self, page: Any, end: str) -> None:
        """Do everything a rider does on ``page``, a Playwright page, for the form to come to ``end``, starting with
        pressing ``#enrollment-open``."""


class EveryoneEnrolls(Adapter):
    def get_enrollment(self, request: Any) -> Enrollment:
        agency = Agency(slug="a", name="Agency", home_url="/", phone="(555) 010-0199", website="https://agency.example")
        return Enrollment(agency=agency, account="conformance", group_id="g", flow="f", verifier="v")


def with_nonce(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Adds a nonce as django-csp's middleware would."""

    def middleware(request: Any) -> Any:
        request.csp_nonce = NONCE
        return get_response(request)

    return middleware


class OpenedPage:
    """The enroll page in a browser, and its requests and reports. You can change each answer."""

    def __init__(self, page: Any, html: str, form: CardForm, backend: FormBackend) -> None:
        self.page = page
        self.reports: list[tuple[str, str | None]] = []
        self.posted: list[dict[str, str]] = []
        self.stopped: list[str] = []
        self.token: dict[str, Any] = (
            {"redirect": GATEWAY} if form.kind is CardFormKind.REDIRECT else {"token": "an-access", "expires_in": 600}
        )
        self.asked_for_access = 0
        self.addresses = dict(backend.addresses)
        self._html = html
        self._policy = "; ".join(
            f"{name} {' '.join(dict.fromkeys([*PARTS.get(name, ()), *form.sources.get(name, ())]))}"
            for name in {**PARTS, **form.sources}
        )
        page.route("**/*", self._answer)
        page.on("console", self._listen)

    def open(self) -> None:
        self.page.goto(f"{SITE}/enrollment/")

    def opens_ready(self) -> OpenedPage:
        self.open()
        self.page.wait_for_selector("#enrollment-open:enabled")
        return self

    def has_posted(self) -> dict[str, str]:
        """The one form that was sent."""
        self.page.wait_for_selector("#posted")
        [posted] = self.posted
        return posted

    def is_led_away(self) -> tuple[str, str | None]:
        """The report after which the rider left the page."""
        self.page.wait_for_url("**/told/")
        return self.reports[-1]

    def _listen(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.stopped.append(message.text)

    def _answer(self, route: Any) -> None:
        request = route.request
        address = urlsplit(request.url)
        if f"{address.scheme}://{address.netloc}" == SITE:
            self._answer_of_the_site(route, request, address.path)
        elif request.url.partition("#")[0] in self.addresses:
            kind, text = self.addresses[request.url.partition("#")[0]]
            route.fulfill(body=text, content_type=kind)
        elif request.url.startswith(GATEWAY):
            route.fulfill(body="<title>the processor's own site</title>", content_type="text/html")
        else:
            route.abort()

    def _answer_of_the_site(self, route: Any, request: Any, address: str) -> None:
        if address == "/enrollment/" and request.method == "POST":
            self.posted.append({name: values[0] for name, values in parse_qs(request.post_data or "").items()})
            route.fulfill(body='<p id="posted">The end.</p>', content_type="text/html")
        elif address == "/enrollment/":
            route.fulfill(body=self._html, content_type="text/html", headers={"Content-Security-Policy": self._policy})
        elif address == "/enrollment/token/":
            self.asked_for_access += 1
            route.fulfill(json=self.token)
        elif address == "/enrollment/card-form/":
            told = json.loads(request.post_data or "{}")
            self.reports.append((told["event"], told["reason"]))
            is_end = told["event"] in ("refused", "failed", "form_not_loaded")
            route.fulfill(json={"redirect": "/told/" if is_end else None})
        elif address.startswith("/static/"):
            file = Path(str(finders.find(address.removeprefix("/static/"))))
            route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0])
        else:
            route.fulfill(body="<title>elsewhere</title>", content_type="text/html")


class CardFormConformance:
    """Inherit it, and define the fixture ``form``, a ``FormBackend``."""

    @pytest.fixture
    def description(self, form: FormBackend) -> CardForm:
        return form.processor.card_form(form.options, TokenizationRequest(language="en"))

    @pytest.fixture
    def html(self, form: FormBackend, settings: Any) -> Callable[[str], str]:
        """The enroll page as a rider gets it."""
        kind = form.processor
        settings.ROOT_URLCONF = __name__
        settings.STATIC_URL = "/static/"
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
        settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", f"{__name__}.with_nonce"]
        settings.ENROLLMENT_ERRORS = {
            "ADAPTER": f"{__name__}.EveryoneEnrolls",
            "ACCOUNTS": {
                "conformance": {"CLASS": f"{kind.__module__}.{kind.__qualname__}", "OPTIONS": form.options},
            },
            "CACHE": add_private_cache(settings),
            "SINKS": ["enrollment_errors.reporting.log.LogSink"],
        }
        client = Client()

        def get(query: str = "") -> str:
            return client.get(f"/enrollment/{query}").content.decode()

        return get

    @pytest.fixture
    def rider(
        self, enrollment_browser: Any, html: Callable[..., str], description: CardForm, form: FormBackend
    ) -> Iterator[OpenedPage]:
        with enrollment_browser.new_context() as context:
            context.set_default_timeout(10_000)
            page = context.new_page()
            yield OpenedPage(page, html(), description, form)
            page.unroute_all(behavior="ignoreErrors")

    def test_its_adapter_is_a_static_file(self, description: CardForm) -> None:
        assert finders.find(description.adapter), f"there is no static file {description.adapter}"

    def test_a_strict_policy_stops_nothing(self, rider: OpenedPage) -> None:
        rider.opens_ready()
        assert rider.stopped == []

    def test_it_asks_for_access_only_where_it_needs_it(self, rider: OpenedPage, description: CardForm) -> None:
        rider.opens_ready()
        assert rider.asked_for_access == (1 if description.needs_access else 0)

    def test_a_card_is_sent_once_and_told_to_nobody_else(self, rider: OpenedPage, form: FormBackend) -> None:
        _needs(form, "tokenized")
        form.finish(rider.opens_ready().page, "tokenized")
        posted = rider.has_posted()
        assert re.fullmatch(r"[A-Za-z0-9._~+=:-]{1,512}", posted["card_token"])
        assert [event for event, _ in rider.reports] == ["started", "tokenized"]
        assert rider.stopped == []

    @pytest.mark.parametrize("end", ["refused", "failed"])
    def test_an_end_without_a_card_leads_the_rider_away(self, rider: OpenedPage, form: FormBackend, end: str) -> None:
        _needs(form, end)
        form.finish(rider.opens_ready().page, end)
        assert rider.is_led_away()[0] == end
        assert rider.posted == []

    def test_after_a_cancel_the_rider_can_start_again(self, rider: OpenedPage, form: FormBackend) -> None:
        _needs(form, "cancelled", "tokenized")
        form.finish(rider.opens_ready().page, "cancelled")
        rider.page.wait_for_selector("#enrollment-open:enabled")
        form.finish(rider.page, "tokenized")
        assert rider.has_posted()["card_token"]
        assert [event for event, _ in rider.reports] == ["started", "cancelled", "started", "tokenized"]

    def test_a_field_that_is_wrong_is_named_and_can_be_corrected(self, rider: OpenedPage, form: FormBackend) -> None:
        _needs(form, "invalid", "tokenized")
        form.finish(rider.opens_ready().page, "invalid")
        rider.page.wait_for_selector("[data-enrollment-error]:visible")
        assert rider.posted == []
        form.finish(rider.page, "tokenized")
        assert rider.has_posted()["card_token"]

    def test_a_script_that_does_not_come_is_told(self, rider: OpenedPage, description: CardForm) -> None:
        _needs_script(description)
        del rider.addresses[description.script]
        rider.open()
        assert rider.is_led_away()[0] == "form_not_loaded"

    def test_a_script_that_is_none_of_the_processors_is_told(self, rider: OpenedPage, description: CardForm) -> None:
        _needs_script(description)
        rider.addresses[description.script] = ("text/javascript", "")
        rider.open()
        assert rider.is_led_away()[0] == "form_not_loaded"

    def test_the_button_leads_to_the_processors_own_site(self, rider: OpenedPage, description: CardForm) -> None:
        if description.kind is not CardFormKind.REDIRECT:
            pytest.skip("the card form is on the page")
        rider.opens_ready().page.click("#enrollment-open")
        rider.page.wait_for_url(GATEWAY)
        assert [event for event, _ in rider.reports] == ["started"]


def _needs(form: FormBackend, *ends: str) -> None:
    if missing := set(ends) - set(form.ends):
        pytest.skip(f"the card form cannot end so: {', '.join(sorted(missing))}")


def _needs_script(description: CardForm) -> None:
    if not description.script:
        pytest.skip("the processor has no script of its own")
