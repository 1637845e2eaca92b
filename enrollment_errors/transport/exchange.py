"""One request and its answer, behind a wall: what holds a secret in plain lives here and below, and nothing is raised
from here, because the frames and their local variables would be in the traceback. Failures are returned.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import requests

from ..exceptions import StatusError
from ..redaction import Secret
from .call import Call
from .clock import Clock
from .failures import cleaned
from .privacy import private_call
from .response import Response
from .sealing import sealing
from .session import ConnectionPool
from .under_way import Exchange, current_exchange

MAX_CONTENT = 2 * 1024 * 1024
"""Bytes of an answer that are read. What is longer is cut, and so no JSON any more."""
MAX_BODY_TEXT = 4000
"""Characters of an error's body that the table's patterns can see."""


def exchanged(call: Call, pool: ConnectionPool, exchange: Exchange, clock: Clock) -> Response | BaseException:
    """The 2xx answer, or what to raise in want of one."""
    result = _exchanged_once(call, pool, exchange, clock)
    # No retry: no server has seen anything yet.
    return _exchanged_once(call, pool, exchange, clock) if exchange.found_dead else result


def _exchanged_once(call: Call, pool: ConnectionPool, exchange: Exchange, clock: Clock) -> Response | BaseException:
    token = current_exchange.set(exchange)
    try:
        with private_call(), sealing(call), pool.exchange(call.prepared()) as reply:
            content = _content(reply)
            if 200 <= reply.status_code <= 299:
                return Response(reply.status_code, content)
            body = Secret(content.decode("utf-8", "replace")[:MAX_BODY_TEXT])
            return StatusError(reply.status_code, body, _retry_after(reply.headers.get("Retry-After"), clock))
    except BaseException as error:  # noqa: BLE001 - an exit shows its frames as well, and is raised again outside
        return cleaned(error, sent=exchange.sent)
    finally:
        current_exchange.reset(token)


def _content(reply: requests.Response) -> bytes:
    content = bytearray()
    for chunk in reply.iter_content(64 * 1024):
        content += chunk
        if len(content) > MAX_CONTENT:
            break
    return bytes(content[:MAX_CONTENT])


def _retry_after(header: str | None, clock: Clock) -> float | None:
    """Seconds. The header is a number of them or an HTTP date; what is neither is not there."""
    if header is None:
        return None
    if re.fullmatch("[0-9]{1,9}", header):
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - clock.time())
    except (ValueError, OverflowError):
        return None
