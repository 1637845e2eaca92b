from __future__ import annotations

import pytest
import sentry_sdk

from enrollment_errors.reporting.site_errors import site_error
from enrollment_errors.sandbox.sinks import TelemetrySink


def raised() -> Exception:
    with pytest.raises(LookupError) as caught:
        raise LookupError("card_token=S3CRET")
    return caught.value


class TestSiteError:
    def test_is_logged_by_its_type_and_its_text_is_not_shown(self, caplog: pytest.LogCaptureFixture) -> None:
        site_error(raised(), "Adapter.on_success")

        assert caplog.messages == ["The site's own code failed in Adapter.on_success: LookupError"]

    def test_is_one_scrubbed_event_that_says_where(self, sentry: TelemetrySink) -> None:
        site_error(raised(), "Adapter.on_success")

        sentry_sdk.flush(timeout=5)
        (event,) = sentry.sentry_events
        assert event["tags"] == {"enrollment.site_code": "Adapter.on_success", "side": "backend", "type": "error"}
        assert event["exception"]["values"][0]["value"] == "card_token=[Filtered]"
