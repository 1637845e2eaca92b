"""What a processor's calls look like on the wire, and what comes back."""

from __future__ import annotations

import json
import logging
import traceback

import pytest

from enrollment_errors import __version__
from enrollment_errors.exceptions import BaseUrlInvalid, ProcessorError, ReplyIncomplete, ReplyNotJson, StatusError
from enrollment_errors.secret import Secret
from enrollment_errors.transport import Response

from .clocks import FakeClock
from .conftest import Connect, Serve
from .upstream import answering, json_of


class TestRequest:
    @pytest.mark.parametrize(
        ("value", "encoded"),
        [
            ("card-1", "card-1"),
            ("../../concession_groups", "..%2F..%2Fconcession_groups"),
            ("..%2f..%2fx", "..%252f..%252fx"),
            ("%2e%2e", "%252e%252e"),
            ("a?b=c#d", "a%3Fb%3Dc%23d"),
            ("a b\r\nHost: evil", "a%20b%0D%0AHost%3A%20evil"),
            ("ü", "%C3%BC"),
            ("{other}", "%7Bother%7D"),
            ("...", "..."),
            ("\\..\\", "%5C..%5C"),
        ],
    )
    @pytest.mark.parametrize("kind", [str, Secret])
    def test_a_path_value_stays_one_segment(self, serve: Serve, connect: Connect, value, encoded, kind) -> None:
        server = serve()
        connect(server.url).request("GET", "by/{token}/end", path={"token": kind(value)}, idempotent=False)
        assert server.requests[0].path == f"/base/by/{encoded}/end"

    @pytest.mark.parametrize("value", ["", ".", ".."])
    @pytest.mark.parametrize("kind", [str, Secret])
    def test_a_path_value_that_is_no_segment_is_refused(self, serve: Serve, connect: Connect, value, kind) -> None:
        server = serve()
        with pytest.raises(ValueError, match="token in the path"):
            connect(server.url).request("GET", "by/{token}", path={"token": kind(value)}, idempotent=False)
        assert server.connections == 0

    def test_the_query_is_encoded(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        connect(server.url).request("GET", "x", query={"page": 1, "a&b": "c d"}, idempotent=False)
        assert server.requests[0].path == "/base/x?page=1&a%26b=c+d"

    def test_json_and_headers_may_hold_secrets(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        connect(server.url).request(
            "POST",
            "x",
            json={"client": {"secret": Secret("s€cret")}, "list": [Secret("1"), 2, None]},
            headers={"Authorization": Secret("token-1")},
            idempotent=False,
        )
        assert json_of(server.requests[0]) == {"client": {"secret": "s€cret"}, "list": ["1", 2, None]}
        assert server.requests[0].headers["authorization"] == "token-1"

    def test_what_is_no_json_is_told_by_its_type_before_anything_is_sent(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        plain = b"s3cr3t"
        with pytest.raises(ProcessorError, match="TypeError") as caught:
            connect(server.url).request("POST", "x", json={"secret": plain}, idempotent=False)
        assert not caught.value.may_have_taken_effect
        assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
        assert server.requests == []

    def test_it_says_that_it_speaks_json_and_who_it_is(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        connect(server.url).request("GET", "x", idempotent=False)
        headers = server.requests[0].headers
        assert headers["accept"] == headers["content-type"] == "application/json"
        assert headers["user-agent"] == f"django-enrollment-errors/{__version__}"
        assert server.requests[0].body == b""

    def test_a_header_of_the_processors_own_wins(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        connect(server.url).request("GET", "x", headers={"Accept": "text/plain"}, idempotent=False)
        assert server.requests[0].headers["accept"] == "text/plain"

    def test_a_base_url_may_end_with_a_slash(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        connect(f"{server.url}/").request("GET", "x", idempotent=False)
        assert server.requests[0].path == "/base/x"


class TestBaseUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "processor.test",
            "ftp://processor.test",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://processor.test:port",
            "https://processor.test:0",
            "https://processor.test:99999",
            "https://[::1",
            "https://user:password-1@processor.test",
            "https://user@processor.test",
            "https://processor.test?key=1",
            "https://processor.test#part",
            "https://processor.test /x",
            "https://processor.test\r\nHost: x",
            "https://processor.test\\@evil.test",
        ],
    )
    def test_what_is_not_a_servers_address_is_refused(self, connect: Connect, url: str) -> None:
        with pytest.raises(BaseUrlInvalid) as caught:
            connect(url).request("GET", "x", idempotent=False)
        assert "password-1" not in str(caught.value)
        assert caught.value.route == "GET x"

    def test_what_it_says_is_followed(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        connect(f"HTTP://LOCALHOST:{server.port}").request("GET", "x", idempotent=False)
        assert server.requests[0].path == "/x"


class TestAnswer:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_2xx_is_an_answer(self, serve: Serve, connect: Connect, status: int) -> None:
        body = b"" if status == 204 else b'{"id": 1}'
        response = connect(serve(answering(status, body)).url).request("GET", "x", idempotent=False)
        assert (response.status, response.content) == (status, body)

    @pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 409, 429, 500, 503, 599])
    def test_everything_else_is_an_error(self, serve: Serve, connect: Connect, status: int) -> None:
        body = b"" if status == 304 else "<h1>Größe</h1>".encode()
        with pytest.raises(StatusError) as caught:
            connect(serve(answering(status, body)).url).request("GET", "x", idempotent=False)
        assert caught.value.status == status
        assert caught.value.body == Secret(body.decode())
        assert caught.value.may_have_taken_effect == (status >= 500)

    def test_an_errors_body_is_kept_to_a_few_thousand_characters(self, serve: Serve, connect: Connect) -> None:
        server = serve(answering(500, b"\xff" * 100_000))
        with pytest.raises(StatusError) as caught:
            connect(server.url).request("GET", "x", idempotent=False)
        assert caught.value.body.reveal() == "\ufffd" * 4000

    def test_an_endless_answer_is_not_read_to_its_end(self, serve: Serve, connect: Connect) -> None:
        server = serve(answering(200, b"[" + b"1," * 5_000_000 + b"1]"))
        response = connect(server.url).request("GET", "x", idempotent=False)
        assert len(response.content) == 2 * 1024 * 1024
        assert not response.is_json

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("3", 3),
            ("0", 0),
            ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
            ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
            ("soon", None),
            ("-5", None),
            ("1e3", None),
            ("", None),
            ("²", None),
            ("9" * 5000, None),
        ],
    )
    def test_retry_after_is_seconds_or_a_date(self, serve: Serve, connect: Connect, header, seconds) -> None:
        server = serve(answering(503, Retry_After=header))
        with pytest.raises(StatusError) as caught:
            connect(server.url, clock=FakeClock(1_800_000_000)).request("GET", "x", idempotent=False)
        assert caught.value.retry_after == seconds

    def test_no_retry_after_is_none(self, serve: Serve, connect: Connect) -> None:
        with pytest.raises(StatusError) as caught:
            connect(serve(answering(503)).url).request("GET", "x", idempotent=False)
        assert caught.value.retry_after is None


class TestResponse:
    @pytest.mark.parametrize("content", [b"", b" ", b"\r\n"])
    def test_nothing_is_empty(self, content: bytes) -> None:
        assert Response(200, content).is_empty

    @pytest.mark.parametrize("content", [b"{}", b"null", b"<html>", b"0"])
    def test_something_is_not_empty(self, content: bytes) -> None:
        assert not Response(200, content).is_empty

    @pytest.mark.parametrize("content", [b"{}", b"[]", b"null", b"1", b'"x"', '{"ü": 1}'.encode("utf-16")])
    def test_json_is_json(self, content: bytes) -> None:
        assert Response(200, content).is_json

    @pytest.mark.parametrize("content", [b"", b"<html>", b"{", b"\xff", b"{} {}"])
    def test_everything_else_is_not(self, content: bytes) -> None:
        response = Response(200, content)
        assert not response.is_json
        with pytest.raises(ReplyNotJson):
            response.json_fields()

    def test_fields_that_are_there_come_back(self) -> None:
        response = Response(200, b'{"id": 7, "scheme": null, "more": 1}')
        assert response.json_fields("id", optional=("scheme", "category")) == {
            "id": 7,
            "scheme": None,
            "category": None,
        }

    @pytest.mark.parametrize("content", [b"{}", b'{"id": null}', b'{"id": ""}', b"[]", b"null"])
    def test_a_field_that_is_needed_and_is_not_there_is_named(self, content: bytes) -> None:
        with pytest.raises(ReplyIncomplete, match=r"the answer lacks (id|an object)"):
            Response(200, content).json_fields("id")

    def test_an_array_comes_back_object_by_object(self) -> None:
        response = Response(200, b'[{"id": 1}, {"id": 2, "more": 3}]')
        assert response.json_items("id", optional=("more",)) == [{"id": 1, "more": None}, {"id": 2, "more": 3}]

    @pytest.mark.parametrize("content", [b"{}", b"null", b"[1]", b'[{"id": 1}, {}]'])
    def test_an_array_that_lacks_something_is_told(self, content: bytes) -> None:
        with pytest.raises(ReplyIncomplete, match=r"the answer lacks (id|an object)"):
            Response(200, content).json_items("id")

    def test_zero_and_false_are_there(self) -> None:
        assert Response(200, b'{"a": 0, "b": false}').json_fields("a", "b") == {"a": 0, "b": False}

    def test_what_is_secret_comes_hidden(self) -> None:
        fields = Response(200, b'{"access_token": "t-1"}').json_fields("access_token", secret=("access_token",))
        assert fields == {"access_token": Secret("t-1")}

    @pytest.mark.parametrize("token", ["a b", "a\r\nb", "ü", 7, ["x"]])
    def test_a_secret_that_fits_no_header_is_as_good_as_none(self, token: object) -> None:
        content = json.dumps({"access_token": token}).encode()
        with pytest.raises(ReplyIncomplete):
            Response(200, content).json_fields("access_token", secret=("access_token",))

    def test_it_does_not_show_its_content(self) -> None:
        response = Response(200, b'{"access_token": "t-1"}')
        assert response.is_json
        assert repr(response) == "Response(status=200)"


class TestTelling:
    def test_an_error_knows_the_templated_route_and_how_long_it_took(self, serve: Serve, connect: Connect) -> None:
        server = serve(answering(503))
        with pytest.raises(StatusError) as caught:
            connect(server.url).request("GET", "by/{token}", path={"token": Secret("t")}, idempotent=True)
        assert caught.value.route == "GET by/{token}"
        assert caught.value.seconds is not None
        assert 0 < caught.value.seconds < 5

    def test_each_call_is_one_debug_line(
        self, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = serve(answering(503))
        http = connect(server.url, attempts=2)
        with caplog.at_level(logging.DEBUG), pytest.raises(StatusError):
            http.request("GET", "by/{token}", path={"token": Secret("t")}, idempotent=True)
        records = [record for record in caplog.records if record.name == "enrollment_errors"]
        assert [(record.levelname, record.route, record.status) for record in records] == [
            ("DEBUG", "GET by/{token}", 503)
        ] * 2
        assert records[0].getMessage().startswith("GET by/{token}: 503 after 0.")
        assert records[0].seconds > 0
