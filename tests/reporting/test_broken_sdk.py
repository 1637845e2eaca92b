"""An SDK that fails, or lacks a method as a new major version may, changes nothing for the rider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.tracing import Span

from enrollment_errors.reporting import amplitude
from enrollment_errors.reporting.dispatch import dispatch
from enrollment_errors.reporting.site_errors import site_error
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import Rider

from .reports import new_report

OURS = [
    (sentry_sdk, "is_initialized"),
    (sentry_sdk, "new_scope"),
    (sentry_sdk, "Client"),
    (sentry_sdk, "get_current_span"),
    (sentry_sdk, "get_isolation_scope"),
    (sentry_sdk, "get_current_scope"),
    (sentry_sdk.Scope, "set_client"),
    (sentry_sdk.Scope, "set_tags"),
    (sentry_sdk.Scope, "set_level"),
    (sentry_sdk.Scope, "set_context"),
    (sentry_sdk.Scope, "add_event_processor"),
    (sentry_sdk.Scope, "capture_exception"),
    (sentry_sdk.Scope, "capture_message"),
    (Span, "start_child"),
    (Span, "set_status"),
    (Span, "set_http_status"),
    (Span, "finish"),
]


@pytest.fixture
def traced(site: Any) -> Iterator[None]:
    """A site with Sentry but without its own integrations, so only our code calls what is missing."""
    before = sentry_sdk.get_global_scope().client
    with sentry_sdk.isolation_scope(), sentry_sdk.new_scope() as scope:
        sentry_sdk.init(
            "http://key@127.0.0.1:1/1",
            traces_sample_rate=1.0,
            default_integrations=False,
            auto_enabling_integrations=False,
            before_send=lambda event, hint: None,
            before_send_transaction=lambda event, hint: None,
        )
        scope.span = sentry_sdk.get_global_scope().start_transaction(name="/enrollment/")
        yield
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(before)


@pytest.fixture(params=OURS, ids=lambda lost: f"{lost[0].__name__}.{lost[1]}")
def lost(request: pytest.FixtureRequest, traced: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delattr(*request.param)
        yield


def test_a_rider_enrolls_all_the_same(lost: None, rider: Rider, sandbox: SandboxServer) -> None:
    assert rider.walks().page == "success"
    assert sum(sandbox.calls.values()) == 4


def test_a_failure_ends_on_its_page_all_the_same(lost: None, rider: Rider, sandbox: SandboxServer, site: Any) -> None:
    site(BREAKER_FAILURES=1)  # so that the circuit opens, which we also report to Sentry
    sandbox.faults.set("lookup", Fault(kind="status", status=503))

    end = rider.enrolls()

    assert (end.page, end.status) == ("system_error", 503)


def test_an_error_of_the_sites_own_is_logged_all_the_same(lost: None, caplog: pytest.LogCaptureFixture) -> None:
    site_error(RuntimeError("boom"), "Adapter.on_success")

    assert "The site's own code failed in Adapter.on_success: RuntimeError" in caplog.text


def test_that_requests_cannot_be_scrubbed_is_logged(
    traced: None, rider: Rider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(sentry_sdk, "get_isolation_scope")

    rider.asks_for_token()

    assert "Sentry's events of this request cannot be scrubbed: AttributeError" in caplog.text


def test_an_amplitude_that_cannot_be_made_changes_nothing(
    rider: Rider, site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site(AMPLITUDE_API_KEY="another-key")
    monkeypatch.delattr(amplitude, "Config")

    assert rider.walks().page == "success"
    assert "AmplitudeSink failed to send" in caplog.text


def test_the_report_that_sentry_could_not_take_reaches_the_others(
    traced: None, rider: Rider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(sentry_sdk.Scope, "capture_exception")
    report = new_report()
    dispatch(report)

    assert (
        f"enrollment_errors.reporting.sentry.SentrySink failed to send {report.reference}: AttributeError"
        in caplog.text
    )
