"""One request for a probe that is not an API call. It follows no redirects and ignores environment variables."""

from __future__ import annotations

from typing import Any

import requests

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0


def fetch(method: str, url: str, **kwargs: Any) -> requests.Response:
    """Raises ``requests.RequestException``. Don't show its text: it may hold the URL."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, **kwargs)
