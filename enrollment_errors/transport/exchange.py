"""One request and its answer, walled off: secrets are in plain only here and below. So failures are returned, never
raised: a traceback would carry these frames and their local variables.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import requests

from ..clock import Clock
from ..exceptions import StatusError
from ..secret import Secret
from .call import Call, Progress, Response, current_progress
from .failures import cleaned
from .pool import ConnectionPool
from .privacy import private_call, sealing

MAX_CONTENT = 2 * 1024 * 1024
"""Bytes to read of an answer. A longer one is cut, so it is no longer valid JSON."""
MAX_BODY_TEXT = 4000
"""Characters of an error's body that the table's patterns are matched against."""


def exchange(call: Call, pool: ConnectionPool, progress: Progress, clock: Clock) -> Response | BaseException:
    """The 2xx answer, or the exception to raise instead."""
    result = _exchange_once(call, pool, progress, clock)
    # This does not count as a retry: no server has seen anything yet.
    return _exchange_once(call, pool, progress, clock) if progress.found_dead else result


def _exchange_once(call: Call, pool: ConnectionPool, progress: Progress, clock: Clock) -> Response | BaseException:
    token = current_progress.set(progress)
    try:
        with private_call(), sealing(call), pool.open(call.prepared()) as reply:
            content = _content(reply)
            if 200 <= reply.status_code <= 299:
                return Response(reply.status_code, content)
            body = Secret(content.decode("utf-8", "replace")[:MAX_BODY_TEXT])
            return StatusError(reply.status_code, body, _retry_after(reply.headers.get("Retry-After"), clock))
    except BaseException as error:  # noqa: BLE001 - an exit shows its frames too; it is raised again outside
        return cleaned(error, sent=progress.sent)
    finally:
        current_progress.reset(token)


def _content(reply: requests.Response) -> bytes:
    content = bytearray()
    for chunk in reply.iter_content(64 * 1024):
        content += chunk
        if len(content) > MAX_CONTENT:
            break
    return bytes(content[:MAX_CONTENT])


def _retry_after(header: str | None, clock: Clock) -> float | None:
    """Seconds. The header is a number of seconds or an HTTP date; anything else is ignored."""
    if header is None:
        return None
    if re.fullmatch("[0-9]{1,9}", header):
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - clock.time())
    except (ValueError, OverflowError):
        return None
