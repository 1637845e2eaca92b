"""Switchio's two APIs: their endpoints, what a request must contain, and the answers."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from ..handler import Reply, Request
from ..routes import Endpoint, Places, find_endpoint, json_object
from ..service import UNKNOWN
from ..state import Refused, now, read_time, written
from .state import Registration, SwitchioState

CLOCK_SECONDS = 300
"""Maximum difference between a signed request's timestamp and now."""
MASKED_NUMBER = "476173******0119"
_MODES = ("register", "identify")
_RESPONSE_MODES = ("query", "fragment", "form_post", "post_message")


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str):
        raise Refused(400, f"{name} is missing")
    return str(body[name])


def _register(state: SwitchioState, places: Places, request: Request) -> Reply:
    body = json_object(request)
    if body.get("mode") not in _MODES or body.get("eshopResponseMode") not in _RESPONSE_MODES:
        raise Refused(400, "unsupported mode or eshopResponseMode")
    registration = state.register(_text(body, "eshopRedirectUrl"), body["mode"], body["eshopResponseMode"])
    return Reply.of({"regId": registration.id, "gtwUrl": f"{state.browser_url}/gateway/{registration.id}"}, 201)


def _registration(state: SwitchioState, places: Places, request: Request) -> Reply:
    registration = state.registration(places["registration"])
    return Reply.of(
        {
            "regState": registration.state,
            "created": written(datetime.fromtimestamp(registration.created, timezone.utc)),
            "mode": registration.mode,
            "eshopResponseMode": registration.response_mode,
            "tokens": _tokens(registration),
            **({} if registration.card_token is None else {"maskCln": MASKED_NUMBER, "cardExp": "3112"}),
        }
    )


def _tokens(registration: Registration) -> list[dict[str, Any]]:
    """The card's token, and two that are no longer valid: an older one and a withdrawn one."""
    if registration.card_token is None:
        return []
    tokens = (
        ("older", "active", now() - timedelta(days=400)),
        (registration.card_token, "active", now()),
        ("withdrawn", "inactive", now() + timedelta(seconds=1)),
    )
    return [
        {
            "token": token,
            "tokenVersion": 1,
            "tokenState": token_state,
            "validFrom": written(since),
            "validTo": None,
            "testOnly": True,
        }
        for token, token_state, since in tokens
    ]


def _echo(state: SwitchioState, places: Places, request: Request) -> Reply:
    return Reply(body=b"OK", content_type="text/plain")


def _all_groups(state: SwitchioState, places: Places, request: Request) -> Reply:
    rows = [
        {"id": number, "operatorId": state.pto_id, "name": group.label, "code": group.id, "value": 50}
        for number, group in enumerate(state.groups.values(), start=1)
    ]
    return Reply.of(rows)


def _groups(state: SwitchioState, places: Places, request: Request) -> Reply:
    rows = [
        {"group": group.id, "expiresAt": written(link.expiry)} for group, link in state.groups_of(places["card_token"])
    ]
    return Reply.of(rows)


def _add(state: SwitchioState, places: Places, request: Request) -> Reply:
    body = json_object(request)
    expiry = read_time(body["expiresAt"], "expiresAt") if "expiresAt" in body else None
    state.link(places["card_token"], _text(body, "group"), expiry)
    return Reply(body=b"The discount was added.", content_type="text/plain")


def _remove(state: SwitchioState, places: Places, request: Request) -> Reply:
    state.unlink(places["card_token"], _text(json_object(request), "group"))
    return Reply(body=b"The discount was removed.", content_type="text/plain")


_DISCOUNT = "api/external/discount/"
_TOKENIZATION = (
    Endpoint("tokenization", "POST", "api/v1/registration", _register),
    Endpoint("registration", "GET", "api/v1/registration/{registration}", _registration),
)
_ENROLLMENT = (
    Endpoint("health", "GET", _DISCOUNT + "echo", _echo),
    Endpoint("concession_groups", "GET", _DISCOUNT + "{pto}/groups", _all_groups),
    Endpoint("groups", "GET", _DISCOUNT + "{pto}/token/{card_token}", _groups),
    Endpoint("link", "POST", _DISCOUNT + "{pto}/token/{card_token}/add", _add),
    Endpoint("unlink", "POST", _DISCOUNT + "{pto}/token/{card_token}/remove", _remove),
)
ENDPOINTS = (*_TOKENIZATION, *_ENROLLMENT)


def endpoint_of(request: Request) -> str:
    """The endpoint's name; ``unknown`` for a path or a method that the APIs do not have."""
    found = find_endpoint(ENDPOINTS, request)
    return found[0].name if found else UNKNOWN


def reply_to(state: SwitchioState, request: Request) -> Reply:
    try:
        with state.lock:
            return _reply_to(state, request)
    except Refused as refused:
        return Reply.of({"message": refused.detail}, refused.status)


def _reply_to(state: SwitchioState, request: Request) -> Reply:
    found = find_endpoint(ENDPOINTS, request)
    if found is None:
        raise Refused(404, "Not found")
    endpoint, places = found
    if endpoint in _TOKENIZATION:
        _check_signature(state, request)
    elif request.headers.get("Authorization") != state.authorization:
        raise Refused(401, "Unauthorized")
    if places.get("pto", str(state.pto_id)) != str(state.pto_id):
        raise Refused(403, "Not your transit agency")
    return endpoint.call(state, places, request)


def _check_signature(state: SwitchioState, request: Request) -> None:
    timestamp = request.headers.get("STP-TIMESTAMP", "")
    if request.headers.get("STP-APIKEY") != state.api_key:
        raise Refused(401, "Unknown API key")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > CLOCK_SECONDS:
        raise Refused(401, "The timestamp is not of now")
    path = request.target.partition("?")[0]
    signed = f"{timestamp}{request.method}{path}".encode() + request.body
    signature = hmac.new(state.api_secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("STP-SIGNATURE", ""), signature):
        raise Refused(401, "The signature is not of this request")
