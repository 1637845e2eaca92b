"""Tools that wrap urllib3 or ``http.client`` see where a call goes, but no secret. The processor gets all of it."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
import urllib3
from urllib3.connectionpool import HTTPConnectionPool

from enrollment_errors.secret import Secret
from enrollment_errors.transport import ProcessorHttp

from .certificates import Certificate
from .conftest import Connect, Serve
from .upstream import json_of

CARD_TOKEN = "card-token-é/{Authorization}"
ACCESS_TOKEN = "access-token-4b1d"
SOURCE = "funding-source-2e7c"


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A tool that wraps what such tools wrap, keeps all arguments, and adds a trace header to each request."""
    kept: list[str] = []

    def wrap(owner: type, name: str, adds_header: bool = False) -> None:
        original = getattr(owner, name)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            kept.append(f"{name} {args!r} {kwargs!r}")
            answer = original(self, *args, **kwargs)
            if adds_header:
                self.putheader("traceparent", "00-of-the-site")
            return answer

        monkeypatch.setattr(owner, name, wrapper)

    wrap(HTTPConnectionPool, "urlopen")
    wrap(HTTPConnectionPool, "_make_request")
    wrap(urllib3.connection.HTTPConnection, "request")
    wrap(http.client.HTTPConnection, "putrequest", adds_header=True)
    wrap(http.client.HTTPConnection, "putheader")
    wrap(http.client.HTTPConnection, "endheaders")
    return kept


def look_up(http_: ProcessorHttp) -> None:
    http_.request(
        "GET",
        "fundingsources/bytoken/{card_token}",
        path={"card_token": Secret(CARD_TOKEN)},
        query={"page": 2, "again": Secret("query-secret")},
        headers={"authorization": Secret(ACCESS_TOKEN), "X-Version": "v1"},
        idempotent=True,
    )


def link(http_: ProcessorHttp, **body: Any) -> None:
    http_.request("POST", "groups", headers={"Authorization": Secret(ACCESS_TOKEN)}, idempotent=False, **body)


@pytest.mark.parametrize("secure", [False, True], ids=["in the clear", "over TLS"])
def test_what_is_watched_is_sealed_and_what_is_sent_is_whole(
    serve: Serve, connect: Connect, certificate: Certificate, watched: list[str], secure: bool
) -> None:
    server = serve(tls=certificate.server_context() if secure else None)
    http_ = connect(server.url, tls_context=certificate.client_context() if secure else None)
    look_up(http_)
    link(http_, json={"id": Secret(SOURCE)})

    seen = "\n".join(watched)
    assert "/base/fundingsources/bytoken/{card_token}" in seen
    assert [secret for secret in ("card-token", "query-secret", ACCESS_TOKEN, SOURCE) if secret in seen] == []

    first, second = server.requests
    assert first.line == (
        "GET /base/fundingsources/bytoken/card-token-%C3%A9%2F%7BAuthorization%7D?page=2&again=query-secret HTTP/1.1"
    )
    assert (first.headers["authorization"], first.headers["x-version"]) == (ACCESS_TOKEN, "v1")
    assert json_of(second) == {"id": SOURCE}
    assert second.headers["content-length"] == str(len(second.body))


def test_a_header_that_the_call_does_not_name_stays_here(serve: Serve, connect: Connect, watched: list[str]) -> None:
    server = serve()
    look_up(connect(server.url))

    assert "00-of-the-site" in "\n".join(watched)
    assert "traceparent" not in server.requests[0].headers


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": []}, {"json": "{}"}], ids=str)
def test_any_body_or_none_arrives_as_it_is(serve: Serve, connect: Connect, body: dict[str, Any]) -> None:
    server = serve()
    link(connect(server.url), **body)

    assert server.requests[0].body == (json.dumps(body["json"]).encode() if body else b"")
    assert server.requests[0].headers["content-length"] == str(len(server.requests[0].body))
