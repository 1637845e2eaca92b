from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import sentry_sdk
from amplitude import Amplitude, BaseEvent, Config

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.sinks import TelemetrySink


def envelope(*items: tuple[dict[str, Any], bytes]) -> bytes:
    return b'{"event_id":"1"}\n' + b"".join(json.dumps(head).encode() + b"\n" + body + b"\n" for head, body in items)


@pytest.fixture
def sink() -> Iterator[TelemetrySink]:
    with TelemetrySink() as sink:
        yield sink


def post_envelope(sink: TelemetrySink, body: bytes, **headers: str) -> requests.Response:
    return requests.post(f"{sink.url}/api/1/envelope/", data=body, headers=headers, timeout=5)


def post_batch(sink: TelemetrySink, *events: dict[str, Any], **batch: Any) -> requests.Response:
    return requests.post(sink.amplitude_url, json={"api_key": "key", "events": events, **batch}, timeout=5)


class TestSentry:
    def test_what_the_real_sdk_sends_is_decoded(self, sink: TelemetrySink) -> None:
        client = sentry_sdk.Client(dsn=sink.dsn, release="1.2.3", default_integrations=False)
        client.capture_event({"message": "something broke", "tags": {"enrollment.reference": "H7P-2QX-9MR"}})
        client.close(timeout=5)
        sink.wait_for(sentry=1)
        (event,) = sink.sentry_events
        assert (event["message"], event["release"]) == ("something broke", "1.2.3")
        assert any(b"something broke" in raw for raw in sink.raw)

    def test_an_envelope_has_several_items(self, sink: TelemetrySink) -> None:
        payload = b'{"message": "two\\nlines"}'
        body = envelope(
            ({"type": "event", "length": len(payload)}, payload),
            ({"type": "attachment", "length": 7}, b"\n\xffraw\n\n"),
            ({"type": "session"}, b'{"sid": "s"}'),
        )
        assert post_envelope(sink, body).status_code == 200
        assert [item.type for item in sink.sentry_items] == ["event", "attachment", "session"]
        assert [item.payload for item in sink.sentry_items] == [
            {"message": "two\nlines"},
            b"\n\xffraw\n\n",
            {"sid": "s"},
        ]
        assert sink.sentry_events == [{"message": "two\nlines"}]

    def test_the_last_line_needs_no_end(self, sink: TelemetrySink) -> None:
        post_envelope(sink, envelope(({"type": "event"}, b'{"message": "a"}')).rstrip(b"\n"))
        assert sink.sentry_events == [{"message": "a"}]

    def test_gzip_is_unpacked_before_it_is_kept(self, sink: TelemetrySink) -> None:
        body = envelope(({"type": "event"}, b'{"message": "packed"}'))
        post_envelope(sink, gzip.compress(body), **{"Content-Encoding": "gzip"})
        assert sink.sentry_events == [{"message": "packed"}]
        assert sink.raw == [body]

    def test_an_encoding_that_cannot_be_read_is_refused(self, sink: TelemetrySink) -> None:
        assert post_envelope(sink, b"x", **{"Content-Encoding": "br"}).status_code == 415

    @pytest.mark.parametrize("body", [b"", b"no json\n", b'{}\n{"type":"event","length":99}\n{}', b"{}\n{}\n{}"])
    def test_what_is_no_envelope_is_refused_and_kept_for_scans(self, sink: TelemetrySink, body: bytes) -> None:
        assert post_envelope(sink, body).status_code == 400
        assert sink.raw == [body]


class TestAmplitude:
    def test_what_the_real_sdk_sends_is_kept(self, sink: TelemetrySink) -> None:
        client = Amplitude("key", Config(server_url=sink.amplitude_url, flush_interval_millis=10))
        client.track(BaseEvent("returned enrollment", user_id="rider-1", event_properties={"status": "success"}))
        client.shutdown()
        sink.wait_for(amplitude=1)
        (event,) = sink.amplitude_events
        assert (event["event_type"], event["event_properties"]) == ("returned enrollment", {"status": "success"})

    def test_a_batch_has_several_events(self, sink: TelemetrySink) -> None:
        response = post_batch(sink, {"user_id": "rider-1"}, {"user_id": "rider-2"})
        assert response.json()["events_ingested"] == 2
        assert [event["user_id"] for event in sink.amplitude_events] == ["rider-1", "rider-2"]

    def test_a_batch_without_a_key_is_refused(self, sink: TelemetrySink) -> None:
        assert post_batch(sink, {"user_id": "rider-1"}, api_key="").json()["missing_field"] == "api_key"
        assert sink.amplitude_events == []

    def test_ids_that_are_too_short_are_refused_unless_the_batch_allows_them(self, sink: TelemetrySink) -> None:
        response = post_batch(sink, {"user_id": "rider-1"}, {"user_id": "r", "device_id": None})
        assert response.status_code == 400
        assert response.json()["events_with_invalid_id_lengths"] == {"user_id": [1], "device_id": []}
        assert post_batch(sink, {"user_id": "r"}, options={"min_id_length": 1}).status_code == 200

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": [1], "api_key": "key"}'])
    def test_what_is_no_batch_is_refused(self, sink: TelemetrySink, body: bytes) -> None:
        assert requests.post(sink.amplitude_url, data=body, timeout=5).status_code == 400


class TestBoth:
    def test_one_can_hang_while_the_other_works(self, sink: TelemetrySink) -> None:
        sink.faults.set("amplitude", Fault(kind="hang"))
        with pytest.raises(requests.ReadTimeout):
            requests.post(sink.amplitude_url, json={}, timeout=0.2)
        assert post_envelope(sink, envelope()).status_code == 200
        assert sink.calls == {"amplitude": 1, "sentry": 1}

    def test_what_failed_is_not_kept(self, sink: TelemetrySink) -> None:
        sink.faults.set("*", Fault(kind="status", status=503))
        assert post_batch(sink, {"user_id": "rider-1"}).status_code == 503
        assert sink.amplitude_events == sink.raw == []

    def test_waiting_ends_when_the_event_comes(self, sink: TelemetrySink) -> None:
        sending = threading.Timer(0.1, post_batch, [sink, {"user_id": "rider-1"}])
        sending.start()
        start = time.monotonic()
        sink.wait_for(amplitude=1, timeout=10)
        assert time.monotonic() - start < 5
        sending.join()

    def test_waiting_says_what_did_not_come(self, sink: TelemetrySink) -> None:
        post_batch(sink, {"user_id": "rider-1"})
        with pytest.raises(TimeoutError, match="0 of 1 Sentry and 1 of 1 Amplitude"):
            sink.wait_for(sentry=1, amplitude=1, timeout=0.01)

    def test_events_are_read_and_forgotten_over_http(self, sink: TelemetrySink) -> None:
        post_batch(sink, {"user_id": "rider-1"})
        post_envelope(sink, envelope(({"type": "event"}, b'{"message": "a"}')))
        assert requests.get(f"{sink.url}/events", timeout=5).json() == {
            "sentry": [{"message": "a"}],
            "amplitude": [{"user_id": "rider-1"}],
        }
        assert requests.delete(f"{sink.url}/events", timeout=5).status_code == 204
        assert requests.get(f"{sink.url}/events", timeout=5).json() == {"sentry": [], "amplitude": []}
        assert sink.raw == []

    def test_what_it_does_not_have_is_not_found(self, sink: TelemetrySink) -> None:
        assert requests.get(sink.amplitude_url, timeout=5).status_code == 404
        assert requests.post(f"{sink.url}/api/1/store/", timeout=5).status_code == 404
