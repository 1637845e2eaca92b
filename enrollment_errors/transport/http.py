"""HTTP to one processor account, as processors use it."""

from __future__ import annotations

import json as json_format
import logging
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests

from .. import __version__
from ..exceptions import BaseUrlInvalid, ProcessorError, ReplyIncomplete, ReplyNotJson, StatusError
from ..redaction import Secret
from .clock import SYSTEM_CLOCK, Clock
from .deadline import Deadline
from .failures import cleaned
from .privacy import UpstreamSpan, private_call
from .retry import with_retries
from .session import ConnectionPool, pool_of
from .sockets import Exchange, NothingSent, current_exchange
from .token_cache import TokenCache

logger = logging.getLogger("enrollment_errors")

MAX_CONTENT = 2 * 1024 * 1024
"""Bytes of an answer that are read. What is longer is cut, and then no JSON any more."""
MAX_BODY_TEXT = 4000
"""Characters of an error's body that the table's patterns can see."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Times are seconds. ``cache`` is the alias of the Django cache that circuit breaker and token share."""

    connect_timeout: float
    read_timeout: float
    attempts: int
    max_calls: int
    max_calls_wait: float
    breaker_failures: int
    breaker_window: float
    breaker_open: float
    cache: str


@dataclass(frozen=True)
class Response:
    """A 2xx answer."""

    status: int
    content: bytes = field(repr=False)

    @property
    def is_empty(self) -> bool:
        return not self.content.strip()

    @property
    def is_json(self) -> bool:
        return self._document is not _NOT_JSON

    def json_object(self, *required: str) -> dict[str, Any]:
        """The answer as a dict in which every name of ``required`` is present, and neither ``null`` nor ``""``.

        Raises ``ReplyNotJson`` and ``ReplyIncomplete``.
        """
        if not self.is_json:
            raise ReplyNotJson("the answer is not JSON")
        missing = self._missing(required)
        if missing is not None:
            raise ReplyIncomplete(f"the answer lacks {missing}")
        document: dict[str, Any] = self._document
        return document

    def json_fields(self, *required: str, optional: Sequence[str] = (), secret: Sequence[str] = ()) -> dict[str, Any]:
        """Of the answer only what is named, with ``None`` for the optional ones that it lacks.

        What is named as ``secret`` must be a text that can stand in a header, and comes as a ``Secret``. Raises like
        ``json_object``.
        """
        self.json_object(*required)
        for name in secret:
            if not _is_header_text(self._document[name]):
                raise ReplyIncomplete(f"{name} is not a text that can be sent")
        return {
            name: Secret(self._document[name]) if name in secret else self._document.get(name)
            for name in (*required, *optional)
        }

    # Not a local variable of json_object: it holds tokens, and Sentry sends the locals of the frames that an exception
    # went through.
    @cached_property
    def _document(self) -> Any:
        try:
            return json_format.loads(self.content)
        except ValueError:
            return _NOT_JSON

    def _missing(self, required: tuple[str, ...]) -> str | None:
        if not isinstance(self._document, dict):
            return "the outer object"
        missing = [name for name in required if self._document.get(name) in (None, "")]
        return ", ".join(missing) or None


_NOT_JSON = object()


def _is_header_text(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value


class ProcessorHttp:
    """The calls of one rider's request to one processor account.

    ``base_url`` is http or https, a host, and a path or none. ``tls_context`` is the account's own, made for these
    calls alone (``None``: the public CAs); pass the same object every time, because the connection pool belongs to it.
    """

    def __init__(
        self,
        account: str,
        base_url: str,
        *,
        deadline: Deadline,
        limits: Limits,
        tls_context: ssl.SSLContext | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.account = account
        self.base_url = base_url
        self.deadline = deadline
        self.limits = limits
        self.tls_context = tls_context
        self.clock = clock
        self.tokens = TokenCache(account, base_url, cache=limits.cache, deadline=deadline, clock=clock)

    def request(
        self,
        method: str,
        route: str,
        *,
        path: Mapping[str, str | Secret] = {},
        query: Mapping[str, str | int] = {},
        json: object | None = None,
        headers: Mapping[str, str | Secret] = {},
        idempotent: bool,
    ) -> Response:
        """Call ``route``, a template relative to the base URL: ``api/v1/fundingsources/bytoken/{card_token}``.

        Every value of ``path`` is percent-encoded whole; empty, ``.`` and ``..`` are a ``ValueError``. ``json`` and
        ``headers`` may hold ``Secret``, revealed at the last moment. What is ``idempotent`` is tried again.

        Raises ``TransportError``, ``StatusError`` for whatever is not 2xx (redirects are not followed) and
        ``BaseUrlInvalid``, with ``route`` and ``seconds`` set.
        """
        call = _Call(
            method=method,
            route=f"{method} {route}",
            template=f"{checked_base_url(self.base_url)}/{route}",
            path=path,
            query=query,
            json=json,
            headers=headers,
        )
        call.check_path()
        started = self.clock.monotonic()
        try:
            return with_retries(
                lambda: self._attempt(call),
                attempts=self.limits.attempts if idempotent else 1,
                deadline=self.deadline,
                clock=self.clock,
            )
        except ProcessorError as error:
            error.route = call.route
            error.seconds = self.clock.monotonic() - started
            raise

    def _attempt(self, call: _Call) -> Response:
        self.deadline.check()
        pool = pool_of(self.account, self.tls_context, self.limits.max_calls)
        exchange = Exchange(self.deadline, self.limits.connect_timeout, self.limits.read_timeout)
        started = self.clock.monotonic()
        span = UpstreamSpan(call.route)
        result = _exchanged(call, pool, exchange, self.clock)
        if isinstance(result, NothingSent):
            result = _exchanged(call, pool, exchange, self.clock)
        status = getattr(result, "status", None)
        span.finish(status)
        seconds = self.clock.monotonic() - started
        told = type(result).__name__ if status is None else status
        logger.debug(
            "%s: %s after %.3f s",
            call.route,
            told,
            seconds,
            extra={"route": call.route, "status": status, "seconds": seconds},
        )
        if isinstance(result, BaseException):
            raise result
        return result


@dataclass(frozen=True, kw_only=True)
class _Call:
    method: str
    route: str
    template: str
    path: Mapping[str, str | Secret]
    query: Mapping[str, str | int]
    json: object | None
    headers: Mapping[str, str | Secret]

    def check_path(self) -> None:
        for name in self.path:
            if _plain(self.path[name]) in ("", ".", ".."):
                raise ValueError(f"the value of {name} in the path is empty or a dot segment")

    def prepared(self) -> requests.PreparedRequest:
        url = _PLACEHOLDER.sub(lambda match: quote(_plain(self.path[match[1]]), safe=""), self.template)
        request = requests.PreparedRequest()
        request.prepare(
            method=self.method,
            url=f"{url}?{urlencode(self.query)}" if self.query else url,
            headers={**_HEADERS, **{name: _plain(value) for name, value in self.headers.items()}},
            data=None
            if self.json is None
            else json_format.dumps(self.json, default=_revealed, allow_nan=False).encode(),
        )
        return request


_PLACEHOLDER = re.compile(r"{(\w+)}")
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
    "User-Agent": f"django-enrollment-errors/{__version__}",
}


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _revealed(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _exchanged(call: _Call, pool: ConnectionPool, exchange: Exchange, clock: Clock) -> Response | BaseException:
    """The answer, or what to raise for want of one.

    Everything that holds a secret in plain lives in here and below, so nothing is raised from here: the frames would be
    in the traceback.
    """
    token = current_exchange.set(exchange)
    try:
        with private_call(), pool.exchange(call.prepared()) as reply:
            content = _content(reply)
            if 200 <= reply.status_code <= 299:
                return Response(reply.status_code, content)
            body = Secret(content.decode("utf-8", "replace")[:MAX_BODY_TEXT])
            return StatusError(reply.status_code, body, _retry_after(reply.headers.get("Retry-After"), clock))
    except BaseException as error:  # noqa: BLE001 - an exit would show the frames as well; it is raised again
        return cleaned(error, sent=exchange.sent)
    finally:
        current_exchange.reset(token)


def _content(reply: requests.Response) -> bytes:
    content = bytearray()
    for chunk in reply.iter_content(64 * 1024):
        content += chunk
        if len(content) >= MAX_CONTENT:
            break
    return bytes(content[:MAX_CONTENT])


def _retry_after(header: str | None, clock: Clock) -> float | None:
    """Seconds. The header has a number of them, or an HTTP date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - clock.time())
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def checked_base_url(base_url: str) -> str:
    """Without its trailing slash. Raises ``BaseUrlInvalid``, which does not show it: it may hold a password."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise BaseUrlInvalid("the base URL cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BaseUrlInvalid("the base URL must be http:// or https:// and a host")
    if parts.username is not None or parts.query or parts.fragment or not _URL_CHARACTERS.fullmatch(base_url):
        raise BaseUrlInvalid("the base URL must have no user, no query, no fragment and no spaces")
    return base_url.rstrip("/")


_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/%\[\]]+")
