"""A site with views that handle a rider's secrets as a careless site, library, or SDK might, and then fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import requests
import sentry_sdk
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import path

from enrollment_errors.exceptions import ConnectionFailed
from enrollment_errors.reporting.dispatch import dispatch
from enrollment_errors.reporting.sentry_scrubbing import scrub_request
from enrollment_errors.secret import Secret

from .reports import new_report

logger = logging.getLogger("site")


def call_processor(url: str, card_token: Secret) -> None:
    api_token = Secret(settings.LEAKS["api_token"])
    options = {"CLIENT_ID": "tests-client-id", "CLIENT_SECRET": settings.LEAKS["client_secret"]}
    assert options
    try:
        requests.get(
            f"{url}/api/v1/fundingsources/bytoken/{card_token.reveal()}",
            headers={"Authorization": api_token.reveal()},
            timeout=2,
        ).raise_for_status()
    except requests.RequestException as error:
        raise ConnectionFailed("refused") from error


def reported(request: HttpRequest) -> HttpResponse:
    """Reports the failure and returns a page, as our own views do."""
    scrub_request(request)
    try:
        call_processor(settings.LEAKS["processor_url"], Secret(request.POST["card_token"]))
    except ConnectionFailed as error:
        dispatch(new_report(error=error))
    return HttpResponse(status=503)


def reported_and_raised(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    try:
        call_processor(settings.LEAKS["processor_url"], Secret(request.POST["card_token"]))
    except ConnectionFailed as error:
        dispatch(new_report(error=error))
        raise
    return HttpResponse()


def raises(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    card_token = request.POST["card_token"]
    posted = request.POST.dict()
    page = {"status": {"access": {"deep": {"deeper": posted}}}}
    raise RuntimeError(f"cannot enroll {card_token=} with {posted}, {page}")


def logs(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    logger.info("GET https://processor.test/api/v1/fundingsources/bytoken/%s", request.POST["card_token"])
    logger.error("cannot enroll %s: %s", request.POST, request.COOKIES, extra={"form": request.POST.dict()})
    return HttpResponse()


def annotates(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    card_token = request.POST["card_token"]
    sentry_sdk.set_context("rider", {"card_token": card_token, "request": [request.META, request.POST]})
    sentry_sdk.set_user({"id": "7", "username": settings.LEAKS["name"], "email": f"{settings.LEAKS['name']}@a.example"})
    sentry_sdk.set_tag("card", f"card_token={card_token}")
    sentry_sdk.add_breadcrumb(category="http", data={"url": f"https://x.test/fundingsources/bytoken/{card_token}"})
    with sentry_sdk.start_span(op="http.client", name=f"GET /fundingsources/bytoken/{card_token}?a=1") as span:
        span.set_data("http.query", f"token={card_token}")
        span.set_data("headers", [("Authorization", settings.LEAKS["api_token"])])
    sentry_sdk.capture_message(f"a token: {card_token}")
    return HttpResponse()


def reads_what_is_no_json(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    return HttpResponse(json.loads(requests.post(f"{settings.LEAKS['processor_url']}/2/httpapi", timeout=2).text[1:]))


def opens_a_scope(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A site's middleware that sends an event of its own after it has left the view's scope."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.user = User(pk=1, username=settings.LEAKS["name"], email=f"{settings.LEAKS['name']}@agency.example")
        with sentry_sdk.new_scope():
            response = get_response(request)
        sentry_sdk.capture_message("answered")
        return response

    return middleware


def blind(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    raise RuntimeError("before anybody has read the form")


def quiet(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    return HttpResponse()


def receives_json(request: HttpRequest) -> HttpResponse:
    scrub_request(request)
    body = json.loads(request.body)
    raise RuntimeError(f"cannot read {request.body!r} which is {json.dumps(body)}")


def unscrubbed(request: HttpRequest) -> HttpResponse:
    card_token = request.POST["card_token"]
    raise RuntimeError(f"cannot enroll {card_token=}")


urlpatterns = [
    path("reported/", reported),
    path("reported-and-raised/", reported_and_raised),
    path("raises/", raises),
    path("logs/", logs),
    path("annotates/", annotates),
    path("json/", receives_json),
    path("no-json/", reads_what_is_no_json),
    path("blind/", blind),
    path("quiet/", quiet),
    path("unscrubbed/", unscrubbed),
]
