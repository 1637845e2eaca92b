"""Littlepay's back-office API: its endpoints, what a request must contain, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from ..handler import JSON, Reply, Request
from ..routes import Endpoint, Places, find_endpoint, json_object
from ..service import UNKNOWN
from ..state import Group, Link, Refused, read_time
from .state import PARTICIPANT, LittlepayState, TokenRefused, card_as_json, link_as_json, product_of

LARGEST_PAGE = 100

Row = TypeVar("Row")


def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        raise Refused(415, f"Content-Type must be {JSON}")
    return json_object(request)


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


def _authorization(state: LittlepayState, places: Places, request: Request) -> Reply:
    try:
        body = _body(request)
    except Refused as refused:
        raise TokenRefused(refused.status, refused.detail, "invalid_request") from None
    _check_credentials(state, body)
    return _token(state, state.issue_api_token(), state.api_token_seconds)


def _check_credentials(state: LittlepayState, body: Mapping[str, Any]) -> None:
    if body.get("grant_type") != "client_credentials":
        raise TokenRefused(400, "unsupported grant_type", "unsupported_grant_type")
    if (body.get("client_id"), body.get("client_secret")) != (state.client_id, state.client_secret):
        raise TokenRefused(401, "Unauthorized", "invalid_client")
    if body.get("audience") != state.audience:
        raise TokenRefused(403, "The client is not authorized for this audience", "access_denied")


def _tokenization(state: LittlepayState, places: Places, request: Request) -> Reply:
    if _body(request).get("request_access") != "CARD_TOKENISATION":
        raise Refused(400, "unsupported request_access")
    return _token(state, state.issue_form_token(), state.form_token_seconds)


def _token(state: LittlepayState, token: str, seconds: float) -> Reply:
    return Reply.of({"access_token": token, "token_type": state.token_type, "expires_in": seconds})


def _lookup(state: LittlepayState, places: Places, request: Request) -> Reply:
    return Reply.of(card_as_json(state.card(places["card_token"])))


def _groups(state: LittlepayState, places: Places, request: Request) -> Reply:
    def render(row: tuple[Group, Link]) -> dict[str, Any]:
        group, link = row
        return {"id": link.id, "group_id": group.id, "label": group.label, **link_as_json(link)}

    return _page(request, state.groups_of(places["source"]), render)


def _concession_groups(state: LittlepayState, places: Places, request: Request) -> Reply:
    def render(group: Group) -> dict[str, Any]:
        return {"id": group.id, "label": group.label, "participant_id": PARTICIPANT}

    return _page(request, state.groups.values(), render)


def _group_members(state: LittlepayState, places: Places, request: Request) -> Reply:
    def render(row: tuple[str, Link]) -> dict[str, Any]:
        return {"id": row[0], **link_as_json(row[1])}

    return _page(request, state.group(places["group"]).links.items(), render)


def _group_products(state: LittlepayState, places: Places, request: Request) -> Reply:
    group = state.group(places["group"])
    return _page(request, [group] if group.id in state.products else [], partial(_product_as_json, state))


def _product(state: LittlepayState, places: Places, request: Request) -> Reply:
    for group in map(state.group, state.products):
        if product_of(group) == places["product"]:
            return Reply.of(_product_as_json(state, group))
    raise Refused(404, "Product not found")


def _product_as_json(state: LittlepayState, group: Group) -> dict[str, Any]:
    return {
        "id": product_of(group),
        "code": f"{group.id}-fare",
        "status": state.products[group.id],
        "type": "DISCOUNT",
        "description": f"Reduced fare of {group.id}",
        "participant_id": PARTICIPANT,
    }


def _link(state: LittlepayState, places: Places, request: Request) -> Reply:
    body = _body(request)
    if not isinstance(body.get("id"), str):
        raise Refused(400, "id is missing")
    expiry = read_time(body["expiry"]) if "expiry" in body else None
    state.link(body["id"], places["group"], expiry)
    return Reply(201)


def _expiry(state: LittlepayState, places: Places, request: Request) -> Reply:
    state.change_expiry(places["source"], places["group"], read_time(_body(request).get("expiry")))
    return Reply(200)


def _unlink(state: LittlepayState, places: Places, request: Request) -> Reply:
    state.unlink(places["source"], places["group"])
    return Reply(204)


_ROOT = "api/{version}/"
ENDPOINTS = (
    Endpoint("authorization", "POST", _ROOT + "oauth/token", _authorization),
    Endpoint("tokenization", "POST", _ROOT + "cardtokenisation/requestaccess", _tokenization),
    Endpoint("lookup", "GET", _ROOT + "fundingsources/bytoken/{card_token}", _lookup),
    Endpoint("groups", "GET", _ROOT + "fundingsources/{source}/concession_groups", _groups),
    Endpoint("concession_groups", "GET", _ROOT + "concession_groups", _concession_groups),
    Endpoint("group_members", "GET", _ROOT + "concession_groups/{group}/fundingsources", _group_members),
    Endpoint("group_products", "GET", _ROOT + "concession_groups/{group}/products", _group_products),
    Endpoint("product", "GET", _ROOT + "products/{product}", _product),
    Endpoint("link", "POST", _ROOT + "concession_groups/{group}/fundingsources", _link),
    Endpoint("expiry", "PUT", _ROOT + "concession_groups/{group}/fundingsources/{source}", _expiry),
    Endpoint("unlink", "DELETE", _ROOT + "concession_groups/{group}/fundingsources/{source}", _unlink),
)


def _find(state: LittlepayState, request: Request) -> tuple[Endpoint, dict[str, str]] | None:
    found = find_endpoint(ENDPOINTS, request)
    return found if found and found[1]["version"] == state.version else None


def endpoint_of(state: LittlepayState, request: Request) -> str:
    """The endpoint's name; ``unknown`` for a path or a method that the API does not have."""
    found = _find(state, request)
    return found[0].name if found else UNKNOWN


def reply_to(state: LittlepayState, request: Request) -> Reply:
    try:
        with state.lock:
            return _reply_to(state, request)
    except Refused as refused:
        return Reply.of(refused.as_json(), refused.status)


def _reply_to(state: LittlepayState, request: Request) -> Reply:
    found = _find(state, request)
    if found is None:
        raise Refused(404, "Not found")
    endpoint, places = found
    if endpoint.call is not _authorization and not state.accepts_api_token(request.headers.get("Authorization", "")):
        raise Refused(401, "Unauthorized")
    return endpoint.call(state, places, request)
