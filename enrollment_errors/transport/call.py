"""One call to a processor, its secrets still hidden, and how it becomes a request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, urlencode, urlsplit

import requests

from .. import __version__
from ..exceptions import BaseUrlInvalid
from ..redaction import Secret

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

    Raises ``BaseUrlInvalid``, and ``ValueError`` for a path value that would make another path: empty, ``.`` or ``..``.
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
        """What logs, spans and exceptions may know of it."""
        return f"{self.method} {self.route}"

    @property
    def shown_path(self) -> str:
        """Where it goes on the server, as far as anybody may see."""
        return f"{urlsplit(self.base_url).path.rstrip('/')}/{self.route}"

    def prepared(self) -> requests.PreparedRequest:
        """The request, with its secrets in plain."""
        route = _PLACEHOLDER.sub(lambda match: quote(_plain(self.path[match[1]]), safe=""), self.route)
        url = f"{self.base_url.rstrip('/')}/{route}"
        if self.query:
            url += "?" + urlencode({name: _plain(value) for name, value in self.query.items()})
        request = requests.PreparedRequest()
        request.prepare(
            method=self.method,
            url=url,
            headers={**_HEADERS, **{name: _plain(value) for name, value in self.headers.items()}},
            data=None if self.json is None else json.dumps(self.json, default=_revealed, allow_nan=False).encode(),
        )
        return request


def _plain(value: str | int | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _revealed(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} is no JSON")


_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/%\[\]]+")


@lru_cache(maxsize=64)
def check_base_url(base_url: str) -> None:
    """Raises ``BaseUrlInvalid`` where it is not http or https, a host, and a path or none.

    The text does not show it: what is wrong with it may be a password.
    """
    try:
        parts = urlsplit(base_url)
        has_server = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_server = False
    if not has_server:
        raise BaseUrlInvalid("the base URL must be http:// or https:// and a host")
    if not _URL_CHARACTERS.fullmatch(base_url):
        raise BaseUrlInvalid("the base URL must have no user, no query, no fragment and no spaces")
