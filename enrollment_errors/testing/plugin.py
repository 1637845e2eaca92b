"""Fixtures for a site's tests. Needs the ``testing`` extra (``pytest``, ``pytest-django``, ``responses``)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from .. import conf
from ..account_directory import usable_accounts
from ..processors.account import Account
from ..reporting.report import Report
from ..reporting.signals import enrollment_failed, enrollment_refused, enrollment_succeeded
from ..sandbox.server import SandboxServer
from ..sandbox.services import SERVICES
from .fake import FakeProcessor
from .private_cache import add_private_cache

if TYPE_CHECKING:
    from ..incidents.models import Incident

__all__ = [
    "enrollment_browser",
    "enrollment_incidents",
    "enrollment_processor",
    "enrollment_processors",
    "enrollment_reports",
    "enrollment_sandbox",
    "enrollment_sandboxes",
    "enrollment_settings",
]

Processor = TypeVar("Processor")


@pytest.fixture
def enrollment_settings(settings: Any) -> Callable[..., None]:
    """Isolates the test from the site's settings: the app has its own empty cache, writes no incidents from its own
    thread, and sends nothing to Amplitude. The other fixtures include it.

    Call it to change keys of ``ENROLLMENT_ERRORS`` for the test: ``enrollment_settings(BUDGET=6)``.
    """

    def change(**keys: Any) -> None:
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, **keys}

    sinks = settings.ENROLLMENT_ERRORS.get("SINKS", conf.default_sinks())
    without_incidents = [path for path in sinks if path != conf.INCIDENT_SINK]
    change(CACHE=add_private_cache(settings), SINKS=without_incidents, AMPLITUDE_API_KEY="")
    return change


@pytest.fixture
def enrollment_processors(
    settings: Any, enrollment_settings: Callable[..., None]
) -> Iterator[dict[str, FakeProcessor]]:
    """All the site's processors that the sandbox can act as, in this process: ``enrollment_processors["switchio"]``.
    They accept the site's own credentials, and start with a few groups and no card."""
    with ExitStack() as running:
        processors = {}
        for name, accounts in _accounts().items():
            urls = [endpoint.base_url for account in accounts for endpoint in account.endpoints.values()]
            processors[name] = running.enter_context(FakeProcessor(SERVICES[name](), urls))
            for account in accounts:
                processors[name].service.adopt(account.options)
        enrollment_settings(ALLOWED_REDIRECT_HOSTS=_redirect_hosts(settings, processors.values()))
        yield processors


@pytest.fixture
def enrollment_processor(enrollment_processors: dict[str, FakeProcessor]) -> FakeProcessor:
    """The site's processor, in this process. If your site has several, use ``enrollment_processors``."""
    return _only(enrollment_processors)


@pytest.fixture
def enrollment_sandboxes(settings: Any, enrollment_settings: Callable[..., None]) -> Iterator[dict[str, SandboxServer]]:
    """The same processors as servers on free ports of this machine, with the site's accounts pointed at them."""
    with ExitStack() as running:
        accounts = settings.ENROLLMENT_ERRORS["ACCOUNTS"]
        servers = {name: running.enter_context(SandboxServer(SERVICES[name]())) for name in _accounts()}
        for name, entries in _accounts().items():
            for account in entries:
                options = {**account.options, **servers[name].account()["OPTIONS"]}
                accounts = {**accounts, account.name: {**accounts[account.name], "OPTIONS": options}}
        enrollment_settings(ACCOUNTS=accounts, ALLOWED_REDIRECT_HOSTS=_redirect_hosts(settings, servers.values()))
        yield servers


@pytest.fixture
def enrollment_sandbox(enrollment_sandboxes: dict[str, SandboxServer]) -> SandboxServer:
    """The sandbox's server on a free port. If your site has several processors, use ``enrollment_sandboxes``."""
    return _only(enrollment_sandboxes)


@pytest.fixture(scope="module")
def enrollment_browser() -> Iterator[Any]:
    """Chromium, for tests of a card form: Playwright's own, or one on the ``PATH``. Needs Playwright for Python.

    It does not live for the whole run: its thread has a running event loop, in which Django refuses to work.
    """
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        # Without Chromium's own sandbox, which needs privileges that containers lack.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def enrollment_reports(enrollment_settings: Callable[..., None]) -> Iterator[list[Report]]:
    """What operators are told during the test: a ``Report`` for each end of an enrollment, in order."""
    reports: list[Report] = []

    def keep(*, report: Report, **kwargs: Any) -> None:
        reports.append(report)

    signals = (enrollment_succeeded, enrollment_refused, enrollment_failed)
    for signal in signals:
        signal.connect(keep)
    yield reports
    for signal in signals:
        signal.disconnect(keep)


@pytest.fixture
def enrollment_incidents(
    settings: Any, enrollment_settings: Callable[..., None], db: None
) -> Iterator[Callable[[], list[Incident]]]:
    """The site keeps incidents, even if ``SINKS`` does not say so, but does not write them by itself. Call this to
    write those that wait, in the test's own transaction, and to get all of them, oldest first."""
    # Not at the top: a plugin may be imported before Django is set up, models may not; and a site may lack the app.
    from ..incidents.buffer import on_demand
    from ..incidents.models import Incident

    enrollment_settings(SINKS=[*settings.ENROLLMENT_ERRORS["SINKS"], conf.INCIDENT_SINK])
    with on_demand() as sender:

        def written() -> list[Incident]:
            sender.flush()
            return list(Incident.objects.order_by("pk"))

        yield written


def _accounts() -> dict[str, list[Account]]:
    """The accounts of processors that the sandbox can act as, by the processor's name."""
    found: dict[str, list[Account]] = {}
    for account in usable_accounts():
        if account.processor.name in SERVICES:
            found.setdefault(account.processor.name, []).append(account)
    return found


def _redirect_hosts(settings: Any, behind: Iterable[FakeProcessor | SandboxServer]) -> list[str]:
    return [
        *settings.ENROLLMENT_ERRORS.get("ALLOWED_REDIRECT_HOSTS", ()),
        *(host for each in behind for host in each.service.redirect_hosts),
    ]


def _only(processors: Mapping[str, Processor]) -> Processor:
    if len(processors) != 1:
        pytest.fail(f"the site has {len(processors)} such processors: take one of them by its name")
    [processor] = processors.values()
    return processor
