"""The least that a view which calls the processor needs: the same calls on pooled connections, the API token from the
cache, and a value in the rider's session. It has no deadline, no retry, no circuit and no report, and hides no
secret."""

from __future__ import annotations

import json
from typing import Any

import requests
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from requests.adapters import HTTPAdapter

from .adapter import group_of

_adapter = HTTPAdapter()


def token(request: HttpRequest) -> JsonResponse:
    body = {"request_access": "CARD_TOKENISATION"}
    access = _call("POST", "cardtokenisation/requestaccess", cache.get("api-token"), body).json()
    request.session["token"] = access["access_token"]
    return JsonResponse({"token": access["access_token"]})


def enroll(request: HttpRequest) -> HttpResponse:
    api_token = cache.get("api-token")
    card = _call("GET", f"fundingsources/bytoken/{request.POST['card_token']}", api_token).json()["id"]
    _call("POST", f"concession_groups/{group_of(request)}/fundingsources", api_token, {"id": card})
    request.session["enrolled"] = True
    return HttpResponseRedirect("/floor/success/")


def keep_api_token() -> None:
    """Puts a token into the cache before the measurement, because our views have one there, too."""
    options = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["sandbox"]["OPTIONS"]
    credentials = {
        "grant_type": "client_credentials",
        "client_id": options["CLIENT_ID"],
        "client_secret": options["CLIENT_SECRET"],
        "audience": options["AUDIENCE"],
    }
    cache.set("api-token", _call("POST", "oauth/token", None, credentials).json()["access_token"], None)


def _call(method: str, path: str, api_token: str | None, body: Any = None) -> requests.Response:
    request = requests.PreparedRequest()
    request.prepare(
        method=method,
        url=f"{settings.PROCESSOR_URL}/api/v1/{path}",
        headers={"Authorization": api_token or "", "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body),
    )
    response = _adapter.send(request, timeout=3)
    response.raise_for_status()
    _ = response.content  # read to its end, so that the connection goes back into the pool
    return response
