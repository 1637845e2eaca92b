from __future__ import annotations

import copy
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from enrollment_errors.doctor.examination import Finding, examine
from enrollment_errors.sandbox.certificates import Authority
from enrollment_errors.sandbox.server import SandboxServer

from .site import TrustingProcessor


@pytest.fixture
def options(site: Any, settings: LazySettings) -> Callable[..., None]:
    """Changes the account's options and its processor class."""

    def change(processor: str = "", **keys: Any) -> None:
        processors = copy.deepcopy(settings.ENROLLMENT_ERRORS["ACCOUNTS"])
        processors["littlepay"]["OPTIONS"].update(keys)
        if processor:
            processors["littlepay"]["CLASS"] = processor
        site(ACCOUNTS=processors)

    return change


@pytest.fixture
def healthy(options: Callable[..., None], site: Any) -> None:
    site(ADAPTER="tests.doctor.site.TellingAdapter")


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def over_tls(
    authority: Authority, options: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., SandboxServer]]:
    """Starts a sandbox with a certificate that the site trusts, unless the arguments change something about it."""
    servers = []
    monkeypatch.setattr(TrustingProcessor, "context", ssl.create_default_context(cadata=authority.certificate))

    def start(
        processor: str = "tests.doctor.site.TrustingProcessor",
        *,
        address: str = "127.0.0.1",
        latest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        **valid: float,
    ) -> SandboxServer:
        context = authority.server_context(authority.issue(address, **valid))
        context.maximum_version = latest
        server = SandboxServer(ssl_context=context)
        server.start()
        servers.append(server)
        options(processor, BASE_URL=server.url)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def diagnoses(db: None) -> Callable[..., dict[str, str]]:
    """Returns the diagnosis of each probe that finds something wrong."""

    def get(*accounts: str, groups: tuple[str, ...] = ()) -> dict[str, str]:
        return {found.probe: found.diagnosis for found in examine(accounts, groups) if found.diagnosis}

    return get


@pytest.fixture
def finding(db: None) -> Callable[[str], Finding]:
    def get(probe: str) -> Finding:
        [found] = [found for found in examine() if found.probe == probe]
        return found

    return get


@pytest.fixture(scope="session")
def nobody_listens() -> str:
    """An address on this machine where nobody listens."""
    with SandboxServer() as server:
        return server.url
