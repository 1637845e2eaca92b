"""One call to a processor: its input, with the secrets still hidden; its progress; and the 2xx answer."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests.utils import guess_json_utf

from .. import __version__
from ..clock import Deadline
from ..exceptions import BaseUrlInvalid, ReplyIncomplete, ReplyNotJson
from ..secret import Secret

_PLACEHOLDER = re.compile(r"{(\w+)}")
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
    "User-Agent": f"django-enrollment-errors/{__version__}",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """``route`` is the template relative to ``base_url``.

    Raises ``BaseUrlInvalid``, and ``ValueError`` for a value that would change the path: empty, ``.`` or ``..``.
    """

    method: str
    base_url: str
    route: str
    path: Mapping[str, str | Secret] = field(repr=False)
    query: Mapping[str, str | int | Secret] = field(repr=False)
    json: object | None = field(repr=False)
    headers: Mapping[str, str | Secret] = field(repr=False)

    def __post_init__(self) -> None:
        check_base_url(self.base_url)
        for name in self.path:
            if _plain(self.path[name]) in ("", ".", ".."):
                raise ValueError(f"the value of {name} in the path is empty or a dot segment")

    @property
    def label(self) -> str:
        """The name that logs, spans and exceptions may show."""
        return f"{self.method} {self.route}"

    @property
    def shown_path(self) -> str:
        """The path on the server, without its secrets."""
        return f"{urlsplit(self.base_url).path.rstrip('/')}/{self.route}"

    def prepared(self) -> requests.PreparedRequest:
        """The request, with its secrets in plain."""
        route = _PLACEHOLDER.sub(lambda match: quote(_plain(self.path[match[1]]), safe=""), self.route)
        url = f"{self.base_url.rstrip('/')}/{route}"
        if self.query:
            url += "?" + urlencode({name: _plain(value) for name, value in self.query.items()})
        request = requests.PreparedRequest()
        # Not by prepare(): it would also look for cookies, and for a password in the URL.
        request.prepare_method(self.method)
        request.prepare_url(url, None)
        request.prepare_headers({**_HEADERS, **{name: _plain(value) for name, value in self.headers.items()}})
        content = None if self.json is None else json.dumps(self.json, default=_revealed, allow_nan=False).encode()
        request.prepare_body(content, None)
        return request


def _plain(value: str | int | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _revealed(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/%\[\]]+")


@lru_cache(maxsize=64)
def check_base_url(base_url: str) -> None:
    """Raises ``BaseUrlInvalid`` unless it is http or https, a host, and an optional path.

    The message does not show the URL, because the faulty part may be a password.
    """
    try:
        parts = urlsplit(base_url)
        has_server = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_server = False
    if not has_server:
        raise BaseUrlInvalid("the base URL must start with http:// or https:// and name a host")
    if not _URL_CHARACTERS.fullmatch(base_url):
        raise BaseUrlInvalid("the base URL must not contain a user, a query, a fragment or spaces")


def is_loopback(host: str) -> bool:
    """Whether data sent there stays on this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class Progress:
    """The state of this thread's current call, for the sockets and readers below ``requests``."""

    deadline: Deadline
    connect_timeout: float
    read_timeout: float
    sent: bool = False
    """At least one byte of the request has left."""
    found_dead: bool = False
    """The pooled connection was already useless: the server had closed it, or sent something unasked."""
    answered_early: bool = False
    """Part of an answer arrived before the whole request had left."""


current_progress: ContextVar[Progress] = ContextVar("current_progress")


_NOT_JSON = object()
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89A-Fa-f]")


@dataclass(frozen=True)
class Response:
    """A processor's 2xx answer."""

    status: int
    content: bytes = field(repr=False)

    @property
    def is_empty(self) -> bool:
        return not self.content.strip()

    @property
    def is_json(self) -> bool:
        return self._document is not _NOT_JSON

    def json_fields(self, *required: str, optional: Sequence[str] = (), secret: Sequence[str] = ()) -> dict[str, Any]:
        """The named fields of the answer's object, and no others; ``None`` for an optional field that is missing.

        A ``required`` field is neither ``null`` nor ``""``. A field that is also in ``secret`` comes as a ``Secret``
        that fits in a header. Raises ``ReplyNotJson`` and ``ReplyIncomplete``.
        """
        return self._picked(lambda: [self._document], required, optional, secret)[0]

    def json_items(
        self, *required: str, optional: Sequence[str] = (), secret: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Like ``json_fields``, for each object in an answer that is an array."""
        return self._picked(lambda: self._document, required, optional, secret)

    def _picked(
        self, objects: Callable[[], Any], required: Sequence[str], optional: Sequence[str], secret: Sequence[str]
    ) -> list[dict[str, Any]]:
        if not self.is_json:
            raise ReplyNotJson("the answer is not JSON")
        missing = _missing(objects(), required, secret)
        if missing:
            raise ReplyIncomplete(f"the answer lacks {missing}")
        return [
            {name: Secret(found[name]) if name in secret else found.get(name) for name in (*required, *optional)}
            for found in objects()
        ]

    # Never a local variable of a method: it holds tokens, and Sentry sends the local variables of a traceback's frames.
    @cached_property
    def _document(self) -> Any:
        try:
            return _parsed(self.content)
        except (ValueError, RecursionError):
            return _NOT_JSON


def _parsed(content: bytes) -> Any:
    """Raises ``ValueError``, also for half a surrogate pair: no URL, database or event could hold it."""
    text = content.decode(guess_json_utf(content) or "utf-8")  # type: ignore[no-untyped-call]
    document = json.loads(text)
    if _HALF_OF_A_PAIR.search(text):
        json.dumps(document, ensure_ascii=False).encode()
    return document


def _missing(objects: Any, required: Sequence[str], secret: Sequence[str]) -> str:
    if not isinstance(objects, list) or not all(isinstance(found, dict) for found in objects):
        return "an object where one is needed"
    return ", ".join(
        name
        for name in required
        if any(found.get(name) in (None, "") or (name in secret and not _fits_header(found[name])) for found in objects)
    )


def _fits_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
