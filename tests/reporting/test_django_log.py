"""With Django's own logging and ADMINS, Django does not mail a failure that we have reported. It mails any other."""

from __future__ import annotations

import logging
from typing import Any

import django
import pytest
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.log import log_response

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import Rider


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the site's own")


def answers_503(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=503)


class Urls:
    urlpatterns = [
        path("enrollment/", include("enrollment_errors.urls")),
        path("fails/", fails),
        path("503/", answers_503),
    ]
    handler500 = "enrollment_errors.views.handler500"


class MiddlewareThatFails:
    """It fails after our view has answered."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST":
            raise RuntimeError("in a middleware")
        return response


class MiddlewareThatAnswers:
    """It answers with a different failure than our view."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return HttpResponse(status=502) if request.method == "POST" else response


@pytest.fixture
def mails(settings: Any, mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    settings.ADMINS = ["admin@agency.example"] if django.VERSION >= (6,) else [("Admin", "admin@agency.example")]
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    settings.ROOT_URLCONF = Urls
    return mailoutbox


@pytest.fixture
def rider(site: Any) -> Rider:
    return Rider(raise_request_exception=False).becomes_eligible()


class TestWhatWeHaveTold:
    def test_a_failure_page_is_no_mail_however_often_it_is_opened(
        self, rider: Rider, sandbox: SandboxServer, mails: list[EmailMessage]
    ) -> None:
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        end = rider.enrolls()
        assert [rider.goes_to(end.url).status for _ in range(3)] == [503] * 3
        sandbox.faults.set("lookup", Fault(kind="status", status=400))
        assert rider.enrolls().status == 500

        assert mails == []

    def test_nor_is_the_answer_that_the_pages_script_gets(
        self, rider: Rider, sandbox: SandboxServer, mails: list[EmailMessage]
    ) -> None:
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))

        assert rider.asks_for_token().status_code == 503
        assert mails == []

    def test_nor_what_the_sites_own_hook_raises(self, rider: Rider, site: Any, mails: list[EmailMessage]) -> None:
        site(HOTS="a.typo")

        assert rider.enrolls().status == 500
        assert mails == []


class TestAnyOther:
    @pytest.mark.parametrize("address", ["/fails/", "/503/"])
    def test_failure_of_the_sites_own_pages_is_mailed(
        self, rider: Rider, mails: list[EmailMessage], address: str
    ) -> None:
        rider.client.get(address)

        assert len(mails) == 1

    @pytest.mark.parametrize("middleware", [MiddlewareThatFails, MiddlewareThatAnswers])
    def test_failure_after_our_view_has_answered_is_mailed(
        self, rider: Rider, settings: Any, mails: list[EmailMessage], middleware: type, sandbox: SandboxServer
    ) -> None:
        settings.MIDDLEWARE = [f"{__name__}.{middleware.__name__}", *settings.MIDDLEWARE]
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))

        assert rider.asks_for_token().status_code in (500, 502)
        assert len(mails) == 1

    def test_record_is_logged_as_ever_whatever_it_has(self, caplog: pytest.LogCaptureFixture) -> None:
        log_response("as a library may", response=HttpResponse(status=503))
        logging.getLogger("django.request").error("without anything")

        assert [record.getMessage() for record in caplog.records] == ["as a library may", "without anything"]
