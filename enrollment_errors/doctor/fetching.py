"""One request that follows nothing and trusts no environment variable: what a probe asks that is no call of the API."""

from __future__ import annotations

from typing import Any

import requests

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0


def fetch(method: str, url: str, **kwargs: Any) -> requests.Response:
    """Raises ``requests.RequestException``, whose text may hold the URL: not to be shown."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, **kwargs)
