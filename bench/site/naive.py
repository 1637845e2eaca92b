"""A client as you might write it first: no timeout, a new session and OAuth token for each request, and a list of the
group's members to see whether the card is already one of them."""

from __future__ import annotations

from typing import Any

import requests
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from .adapter import group_of


class NaiveClient:
    def __init__(self) -> None:
        self._session = requests.Session()
        options = settings.ENROLLMENT_ERRORS["ACCOUNTS"]["sandbox"]["OPTIONS"]
        credentials = {
            "grant_type": "client_credentials",
            "client_id": options["CLIENT_ID"],
            "client_secret": options["CLIENT_SECRET"],
            "audience": options["AUDIENCE"],
        }
        token = self._call("POST", "oauth/token", json=credentials).json()
        self._session.headers["Authorization"] = token["access_token"]

    def request_card_tokenization_access(self) -> dict[str, Any]:
        return self._call("POST", "cardtokenisation/requestaccess", json={"request_access": "CARD_TOKENISATION"}).json()

    def enroll(self, card_token: str, group: str) -> None:
        card = self._call("GET", f"fundingsources/bytoken/{card_token}").json()["id"]
        if card not in self._members(group):
            self._call("POST", f"concession_groups/{group}/fundingsources", json={"id": card})

    def _members(self, group: str) -> list[str]:
        members: list[str] = []
        page = 0
        while True:
            page += 1
            found = self._call(
                "GET", f"concession_groups/{group}/fundingsources", params={"page": page, "per_page": 100}
            ).json()
            members += [member["id"] for member in found["list"]]
            if len(members) >= found["total_count"]:
                return members

    def _call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        response = self._session.request(method, f"{settings.PROCESSOR_URL}/api/v1/{path}", **kwargs)
        response.raise_for_status()
        return response


def token(request: HttpRequest) -> JsonResponse:
    access = NaiveClient().request_card_tokenization_access()
    request.session["token"] = access["access_token"]
    return JsonResponse({"token": access["access_token"]})


def enroll(request: HttpRequest) -> HttpResponse:
    NaiveClient().enroll(request.POST["card_token"], group_of(request))
    request.session["enrolled"] = True
    return HttpResponseRedirect("/naive/success/")
