"""Fixtures for the tests of a site. Needs the ``testing`` extra (``pytest``, ``pytest-django``, ``responses``)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .. import conf
from ..account_directory import get_account, usable_accounts
from ..processors.littlepay import LittlepayProcessor
from ..reporting.report import Report
from ..reporting.signals import enrollment_failed, enrollment_refused, enrollment_succeeded
from ..sandbox.server import SandboxServer
from .fake import FakeProcessor
from .private_cache import add_private_cache

if TYPE_CHECKING:
    from ..incidents.models import Incident

__all__ = [
    "enrollment_browser",
    "enrollment_incidents",
    "enrollment_processor",
    "enrollment_reports",
    "enrollment_sandbox",
    "enrollment_settings",
]


@pytest.fixture
def enrollment_settings(settings: Any) -> Callable[..., None]:
    """Keeps the test to itself, whatever the site's settings are: the app has an empty cache that nobody else uses,
    writes no incidents from a thread of its own, and sends nothing to Amplitude. The other fixtures bring it along.

    Called, it changes keys of ``ENROLLMENT_ERRORS`` for the test: ``enrollment_settings(BUDGET=6)``.
    """

    def change(**keys: Any) -> None:
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, **keys}

    sinks = settings.ENROLLMENT_ERRORS.get("SINKS", conf.DEFAULT_SINKS)
    without_incidents = [path for path in sinks if path != conf.INCIDENT_SINK]
    change(CACHE=add_private_cache(settings), SINKS=without_incidents, AMPLITUDE_API_KEY="")
    return change


@pytest.fixture
def enrollment_processor(enrollment_settings: Callable[..., None]) -> Iterator[FakeProcessor]:
    """The processor of all Littlepay accounts of the site, in this process. It starts with three groups and no card."""
    littlepay = [account for account in usable_accounts() if issubclass(account.processor, LittlepayProcessor)]
    urls = [endpoint.base_url for account in littlepay for endpoint in account.endpoints.values()]
    with FakeProcessor(urls) as processor:
        for account in littlepay:
            processor.state.client_id = account.options["CLIENT_ID"]
            processor.state.client_secret = account.options["CLIENT_SECRET"]
            processor.state.audience = account.options["AUDIENCE"]
        yield processor


@pytest.fixture
def enrollment_sandbox(settings: Any, enrollment_settings: Callable[..., None]) -> Iterator[SandboxServer]:
    """The sandbox's server on a free port of this machine, and all Littlepay accounts of the site set up with it."""
    with SandboxServer() as server:
        enrollment_settings(
            ACCOUNTS={
                name: _at(server, entry) if _is_littlepay(name) else entry
                for name, entry in settings.ENROLLMENT_ERRORS["ACCOUNTS"].items()
            }
        )
        yield server


@pytest.fixture(scope="module")
def enrollment_browser() -> Iterator[Any]:
    """Chromium, for the tests of a card form: Playwright's own, or one on the ``PATH``. Needs Playwright for Python.

    Not for the whole run: while it is there, its thread has a running event loop, beside which Django refuses to work.
    """
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        # Without Chromium's own sandbox, which needs privileges that containers do not give.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def enrollment_reports(enrollment_settings: Callable[..., None]) -> Iterator[list[Report]]:
    """What operators are told while the test runs: a ``Report`` for each end of an enrollment, in order."""
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
    """The site keeps incidents, whatever ``SINKS`` says, and writes none by itself. Called, this writes those that
    wait, in the test's own transaction, and gives all that there are, the oldest first."""
    # Not above: a plugin may be imported before Django is set up, and models may not; and a site may not have the app.
    from ..incidents.buffer import on_demand
    from ..incidents.models import Incident

    enrollment_settings(SINKS=[*settings.ENROLLMENT_ERRORS["SINKS"], conf.INCIDENT_SINK])
    with on_demand() as sender:

        def written() -> list[Incident]:
            sender.flush()
            return list(Incident.objects.order_by("pk"))

        yield written


def _is_littlepay(account: str) -> bool:
    return issubclass(get_account(account).processor, LittlepayProcessor)


def _at(server: SandboxServer, entry: dict[str, Any]) -> dict[str, Any]:
    options = {
        **entry["OPTIONS"],
        "BASE_URL": server.url,
        "CLIENT_ID": server.state.client_id,
        "CLIENT_SECRET": server.state.client_secret,
        "AUDIENCE": server.state.audience,
        "CARD_FORM_URL": server.url,
    }
    return {**entry, "OPTIONS": options}
