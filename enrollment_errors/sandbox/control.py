"""Controls a running sandbox over HTTP: JSON in and out, 400 with ``{"error": …}`` for an invalid request.

========================== =======================================================================================
``GET /sandbox/state``     ``{calls, connections, faults, cards, groups: {id: {label, members}}, url, control_url}``
``POST /sandbox/faults``   ``{endpoint: one fault, or a list of them}`` with the fields of ``faults.Fault``: replaces
                           those endpoints' faults: ``{"link": {"kind": "status", "status": 503, "times": 2}}``
``DELETE /sandbox/faults`` lifts all of them, or those of ``?endpoint=``
``POST /sandbox/cards``    ``{token, scheme?, category?}`` → ``{id}`` of the funding source
``POST /sandbox/groups``   ``{id, label?, members?}``: makes the group, with as many other riders' cards in it
``POST /sandbox/products`` ``{group, status}``: the status of the group's fare product, such as ``INACTIVE``; ``null``:
                           none
``POST /sandbox/links``    ``{card_token, group, expiry?}``: puts the card into the group, and makes both if needed
``GET /sandbox/account``   ``{"CLASS", "OPTIONS", "ALLOWED_REDIRECT_HOSTS"}``: what a site needs to reach it
``POST /sandbox/account``  credentials, by the names of ``OPTIONS``: from now on, it requires these
``POST /sandbox/revoke``   refuses everything issued so far: API access tokens, visits to a gateway
``POST /sandbox/reset``    as freshly started: no faults, cards, links, tokens or counts
========================== =======================================================================================

These requests are not counted, and faults do not affect them. At ``control_url`` they work even while the processor is
``down``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from .faults import Fault, Faults
from .handler import Reply, Request
from .service import Service
from .state import Refused, State, read_time

DONE = Reply(204)


class Steered(Protocol):
    """The part of a sandbox that these requests control."""

    service: Service
    faults: Faults
    calls: Counter[str]

    @property
    def state(self) -> State: ...

    @property
    def connections(self) -> int: ...

    @property
    def url(self) -> str: ...

    @property
    def control_url(self) -> str: ...

    def account(self) -> dict[str, Any]: ...

    def reset(self) -> None: ...


def reply_to(sandbox: Steered, request: Request) -> Reply:
    action = request.segments[1] if len(request.segments) == 2 else ""
    call = _CALLS.get((request.method, action))
    if call is None:
        return Reply.of({"error": "no such control"}, 404)
    try:
        return call(sandbox, request, _body(request))
    except Refused as refused:
        return Reply.of({"error": refused.detail}, refused.status)
    except KeyError as missing:
        return Reply.of({"error": f"{missing.args[0]} is missing"}, 400)
    except (TypeError, ValueError) as wrong:
        return Reply.of({"error": str(wrong)}, 400)


def _body(request: Request) -> dict[str, Any]:
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be an object")
    return body


def _state(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    state = sandbox.state
    with state.lock:
        groups = {group.id: {"label": group.label, "members": len(group.links)} for group in state.groups.values()}
        cards = len(state.cards)
    return Reply.of(
        {
            "calls": dict(sandbox.calls),
            "connections": sandbox.connections,
            "faults": sandbox.faults.as_json(),
            "cards": cards,
            "groups": groups,
            "url": sandbox.url,
            "control_url": sandbox.control_url,
        }
    )


def _set_faults(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    wanted = {
        endpoint: [Fault.from_json(fault) for fault in (faults if isinstance(faults, list) else [faults])]
        for endpoint, faults in body.items()
    }
    for endpoint, faults in wanted.items():
        sandbox.faults.set(endpoint, *faults)
    return DONE


def _clear_faults(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    sandbox.faults.clear(request.query.get("endpoint"))
    return DONE


def _add_card(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    source = sandbox.state.add_card(body["token"], body.get("scheme", "visa"), body.get("category", "debit"))
    return Reply.of({"id": source}, 201)


def _add_group(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    sandbox.state.add_group(body["id"], body.get("label", ""))
    sandbox.state.fill_group(body["id"], int(body.get("members", 0)))
    return Reply(201)


def _set_product(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    sandbox.state.set_product(body["group"], body["status"])
    return DONE


def _add_link(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    state, token, group = sandbox.state, body["card_token"], body["group"]
    expiry = None if body.get("expiry") is None else read_time(body["expiry"])
    with state.lock:
        if group not in state.groups:
            state.add_group(group)
        source = state.cards[token].id if token in state.cards else state.add_card(token)
        state.link(source, group, expiry)
    return Reply.of({"id": source}, 201)


def _account(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    return Reply.of({**sandbox.account(), "ALLOWED_REDIRECT_HOSTS": sandbox.service.redirect_hosts})


def _adopt(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    sandbox.service.adopt(body)
    return DONE


def _revoke(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    sandbox.state.revoke()
    return DONE


def _reset(sandbox: Steered, request: Request, body: Mapping[str, Any]) -> Reply:
    sandbox.reset()
    return DONE


_CALLS = {
    ("GET", "state"): _state,
    ("POST", "faults"): _set_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "cards"): _add_card,
    ("POST", "groups"): _add_group,
    ("POST", "products"): _set_product,
    ("POST", "links"): _add_link,
    ("GET", "account"): _account,
    ("POST", "account"): _adopt,
    ("POST", "revoke"): _revoke,
    ("POST", "reset"): _reset,
}
