"""The back-office API: which request is which endpoint, what it must bring, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Any, TypeVar

from .handler import JSON, Reply, Request
from .state import PARTICIPANT, Group, Link, Refused, State

UNKNOWN = "unknown"
LARGEST_PAGE = 100
WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

Row = TypeVar("Row")


def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        raise Refused(415, f"Content-Type must be {JSON}")
    try:
        body = request.json()
    except ValueError:
        raise Refused(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body must be an object")
    return body


def read_time(value: object) -> datetime:
    """Raises ``Refused`` 400 for anything but UTC, whole seconds, ``Z``."""
    try:
        if isinstance(value, str) and WRITTEN_TIME.fullmatch(value):
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        pass  # the 31st of February
    raise Refused(400, "expiry must be a time such as 2027-01-31T08:00:00Z")


def _page(request: Request, rows: Collection[Row], render: Callable[[Row], dict[str, Any]]) -> Reply:
    try:
        page, size = (int(request.query.get(name, default)) for name, default in (("page", 1), ("per_page", 100)))
    except ValueError:
        raise Refused(400, "page and per_page must be numbers") from None
    if page < 1 or size < 1:
        raise Refused(400, "page and per_page start at 1")
    size = min(size, LARGEST_PAGE)
    shown = islice(rows, (page - 1) * size, page * size)
    return Reply.of({"list": [render(row) for row in shown], "total_count": len(rows)})


def _authorization(state: State, places: Mapping[str, str], request: Request) -> Reply:
    try:
        _check_credentials(state, _body(request))
    except Refused as refused:
        return Reply.of(refused.as_oauth_json(), refused.status)
    return _token(state, state.issue_api_token(), state.api_token_seconds)


def _check_credentials(state: State, body: Mapping[str, Any]) -> None:
    if body.get("grant_type") != "client_credentials":
        raise Refused(400, "unsupported grant_type", "unsupported_grant_type")
    if (body.get("client_id"), body.get("client_secret")) != (state.client_id, state.client_secret):
        raise Refused(401, "Unauthorized", "invalid_client")
    if body.get("audience") != state.audience:
        raise Refused(403, "The client is not authorized for this audience", "access_denied")


def _tokenization(state: State, places: Mapping[str, str], request: Request) -> Reply:
    if _body(request).get("request_access") != "CARD_TOKENISATION":
        raise Refused(400, "unsupported request_access")
    return _token(state, state.issue_form_token(), state.form_token_seconds)


def _token(state: State, token: str, seconds: float) -> Reply:
    return Reply.of({"access_token": token, "token_type": state.token_type, "expires_in": seconds})


def _lookup(state: State, places: Mapping[str, str], request: Request) -> Reply:
    return Reply.of(state.card(places["card_token"]).as_json())


def _groups(state: State, places: Mapping[str, str], request: Request) -> Reply:
    def render(row: tuple[Group, Link]) -> dict[str, Any]:
        group, link = row
        return {"id": link.id, "group_id": group.id, "label": group.label, **link.as_json()}

    return _page(request, state.groups_of(places["source"]), render)


def _concession_groups(state: State, places: Mapping[str, str], request: Request) -> Reply:
    def render(group: Group) -> dict[str, Any]:
        return {"id": group.id, "label": group.label, "participant_id": PARTICIPANT}

    return _page(request, state.groups.values(), render)


def _group_members(state: State, places: Mapping[str, str], request: Request) -> Reply:
    def render(row: tuple[str, Link]) -> dict[str, Any]:
        return {"id": row[0], **row[1].as_json()}

    return _page(request, state.group(places["group"]).links.items(), render)


def _link(state: State, places: Mapping[str, str], request: Request) -> Reply:
    body = _body(request)
    if not isinstance(body.get("id"), str):
        raise Refused(400, "id is missing")
    expiry = read_time(body["expiry"]) if "expiry" in body else None
    state.link(body["id"], places["group"], expiry)
    return Reply(201)


def _expiry(state: State, places: Mapping[str, str], request: Request) -> Reply:
    state.change_expiry(places["source"], places["group"], read_time(_body(request).get("expiry")))
    return Reply(200)


def _unlink(state: State, places: Mapping[str, str], request: Request) -> Reply:
    state.unlink(places["source"], places["group"])
    return Reply(204)


@dataclass(frozen=True)
class Endpoint:
    name: str
    method: str
    path: str
    call: Callable[[State, Mapping[str, str], Request], Reply]

    def places(self, request: Request, version: str) -> dict[str, str] | None:
        """What stands in the path's ``{places}``, or ``None`` where the request is for something else."""
        pattern = ("api", version, *self.path.split("/"))
        if request.method != self.method or len(pattern) != len(request.segments):
            return None
        pairs = list(zip(pattern, request.segments, strict=True))
        if not all(segment if part.startswith("{") else segment == part for part, segment in pairs):
            return None
        return {part[1:-1]: segment for part, segment in pairs if part.startswith("{")}


ENDPOINTS = (
    Endpoint("authorization", "POST", "oauth/token", _authorization),
    Endpoint("tokenization", "POST", "cardtokenisation/requestaccess", _tokenization),
    Endpoint("lookup", "GET", "fundingsources/bytoken/{card_token}", _lookup),
    Endpoint("groups", "GET", "fundingsources/{source}/concession_groups", _groups),
    Endpoint("concession_groups", "GET", "concession_groups", _concession_groups),
    Endpoint("group_members", "GET", "concession_groups/{group}/fundingsources", _group_members),
    Endpoint("link", "POST", "concession_groups/{group}/fundingsources", _link),
    Endpoint("expiry", "PUT", "concession_groups/{group}/fundingsources/{source}", _expiry),
    Endpoint("unlink", "DELETE", "concession_groups/{group}/fundingsources/{source}", _unlink),
)


def _match(request: Request, version: str) -> tuple[Endpoint, dict[str, str]] | None:
    for endpoint in ENDPOINTS:
        places = endpoint.places(request, version)
        if places is not None:
            return endpoint, places
    return None


def endpoint_of(state: State, request: Request) -> str:
    """The endpoint's name; ``unknown`` for a path or a method that the API does not have."""
    found = _match(request, state.version)
    return found[0].name if found else UNKNOWN


def reply_to(state: State, request: Request) -> Reply:
    try:
        with state.lock:
            return _reply_to(state, request)
    except Refused as refused:
        return Reply.of(refused.as_json(), refused.status)


def _reply_to(state: State, request: Request) -> Reply:
    found = _match(request, state.version)
    if found is None:
        raise Refused(404, "Not found")
    endpoint, places = found
    if endpoint.call is not _authorization and not state.accepts_api_token(request.headers.get("Authorization", "")):
        raise Refused(401, "Unauthorized")
    return endpoint.call(state, places, request)
