"""Matches requests to the endpoints of an API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .handler import Reply, Request
from .state import Refused

Places = Mapping[str, str]


@dataclass(frozen=True)
class Endpoint:
    """``path`` is a template. Each of its ``{places}`` matches one segment that is not empty. ``call`` gets the state,
    the places' values and the request."""

    name: str
    method: str
    path: str
    call: Callable[[Any, Places, Request], Reply]

    def places(self, request: Request) -> dict[str, str] | None:
        """The values of the places, or ``None`` if the request is for a different endpoint."""
        pattern = self.path.split("/")
        if request.method != self.method or len(pattern) != len(request.segments):
            return None
        pairs = list(zip(pattern, request.segments, strict=True))
        if not all(segment if part.startswith("{") else segment == part for part, segment in pairs):
            return None
        return {part[1:-1]: segment for part, segment in pairs if part.startswith("{")}


def find_endpoint(endpoints: Iterable[Endpoint], request: Request) -> tuple[Endpoint, dict[str, str]] | None:
    for endpoint in endpoints:
        places = endpoint.places(request)
        if places is not None:
            return endpoint, places
    return None


def json_object(request: Request) -> dict[str, Any]:
    """The body. Raises ``Refused`` 400."""
    try:
        body = request.json()
    except ValueError:
        raise Refused(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body must be an object")
    return body
