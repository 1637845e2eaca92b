from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from enrollment_errors.sandbox.server import SandboxServer


class Api:
    """A client that knows only the documented requests, and never raises for a status."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = server.state.issue_api_token()

    def __call__(self, method: str, path: str, timeout: float = 5, **kwargs: Any) -> requests.Response:
        return self.session.request(method, f"{self.server.url}/api/v1/{path}", timeout=timeout, **kwargs)

    def authorize(self, **changed: str) -> requests.Response:
        state = self.server.state
        credentials = {
            "grant_type": "client_credentials",
            "client_id": state.client_id,
            "client_secret": state.client_secret,
            "audience": state.audience,
        }
        return self("POST", "oauth/token", json={**credentials, **changed})

    def link(self, source: str, group: str = "group-seniors", **body: Any) -> requests.Response:
        return self("POST", f"concession_groups/{group}/fundingsources", json={"id": source, **body})


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def api(server: SandboxServer) -> Iterator[Api]:
    api = Api(server)
    with api.session:
        yield api


@pytest.fixture
def source(server: SandboxServer) -> str:
    return server.state.add_card("card-1")
