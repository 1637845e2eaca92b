"""Every failure below us becomes the right one of our own exceptions, without secrets."""

from __future__ import annotations

import inspect
import ssl
import sys
from types import FrameType

import pytest
import requests
import responses

from enrollment_errors.exceptions import (
    BaseUrlInvalid,
    ConnectionFailed,
    NameNotResolved,
    ProcessorError,
    ReplyBroken,
    StatusError,
    TimedOut,
    TlsFailed,
    TransportError,
)
from enrollment_errors.secret import Secret
from enrollment_errors.transport import ProcessorHttp, Response

from .certificates import Certificate
from .conftest import Connect, Serve
from .upstream import Connection, answering, refusing_port

CARD_TOKEN = "card-token-5e7a"
ACCESS_TOKEN = "access-token-91c2"
CLIENT_SECRET = "client-secret-03bf"
SECRETS = (CARD_TOKEN, ACCESS_TOKEN, CLIENT_SECRET)


def call(http: ProcessorHttp) -> Response:
    return http.request(
        "POST",
        "links/{card_token}",
        path={"card_token": Secret(CARD_TOKEN)},
        headers={"Authorization": Secret(ACCESS_TOKEN)},
        json={"client_secret": Secret(CLIENT_SECRET)},
        idempotent=False,
    )


def failure_of(http: ProcessorHttp) -> ProcessorError:
    with pytest.raises(ProcessorError) as caught:
        call(http)
    return caught.value


def speak_plainly(connection: Connection) -> None:
    connection.reply(400)
    connection.hang()


def hang(connection: Connection) -> None:
    connection.read_request()
    connection.hang()


def reset(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def close(connection: Connection) -> None:
    connection.read_request()


def cut_headers(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-")


def cut_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"id": ')


def cut_chunk(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{")


def reset_body(connection: Connection) -> None:
    cut_body(connection)
    connection.reset()


def speak_something_else(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"220 mail.test ESMTP\r\n\r\n")


def send_a_broken_archive(connection: Connection) -> None:
    connection.read_request()
    connection.reply(200, b"not gzip at all", Content_Encoding="gzip")


def send_endless_headers(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\n" + b"X-More: yes\r\n" * 1000)


AFTER_SENDING = {
    hang: TimedOut,
    reset: ConnectionFailed,
    close: ConnectionFailed,
    cut_headers: ConnectionFailed,
    cut_body: ConnectionFailed,
    cut_chunk: ConnectionFailed,
    reset_body: ConnectionFailed,
    speak_something_else: ReplyBroken,
    send_a_broken_archive: ReplyBroken,
    send_endless_headers: ReplyBroken,
}


class TestKinds:
    @pytest.mark.parametrize("behave", AFTER_SENDING)
    def test_what_fails_after_sending_may_have_taken_effect(self, serve: Serve, connect: Connect, behave) -> None:
        error = failure_of(connect(serve(behave).url, read_timeout=0.2))
        assert type(error) is AFTER_SENDING[behave]
        assert error.may_have_taken_effect

    @pytest.mark.parametrize("behave", AFTER_SENDING)
    def test_over_tls_it_is_the_same(self, serve: Serve, connect: Connect, certificate: Certificate, behave) -> None:
        server = serve(behave, certificate.server_context())
        error = failure_of(connect(server.url, read_timeout=0.2, tls_context=certificate.client_context()))
        assert type(error) is AFTER_SENDING[behave]
        assert error.may_have_taken_effect

    def test_a_request_that_is_cut_in_its_middle_may_have_taken_effect(self, serve: Serve, connect: Connect) -> None:
        def hear_the_beginning(connection: Connection) -> None:
            connection.read_something()
            connection.reset()

        server = serve(hear_the_beginning)
        with pytest.raises(ConnectionFailed) as caught:
            connect(server.url).request("POST", "x", json="x" * 6_000_000, idempotent=False)
        assert caught.value.may_have_taken_effect
        assert server.connections == 1

    def test_a_refused_connection_has_had_no_effect(self, connect: Connect) -> None:
        with refusing_port() as port:
            error = failure_of(connect(f"http://127.0.0.1:{port}"))
        assert type(error) is ConnectionFailed
        assert not error.may_have_taken_effect

    def test_a_name_that_nobody_knows_has_had_no_effect(self, connect: Connect) -> None:
        error = failure_of(connect("http://processor.invalid"))
        assert type(error) is NameNotResolved
        assert not error.may_have_taken_effect

    def test_a_name_that_cannot_exist_is_not_resolved(self, connect: Connect) -> None:
        error = failure_of(connect(f"http://{'long' * 30}.test"))
        assert isinstance(error, (NameNotResolved, BaseUrlInvalid))

    def test_a_handshake_with_something_else_has_had_no_effect(
        self, serve: Serve, connect: Connect, certificate: Certificate
    ) -> None:
        server = serve(speak_plainly)
        error = failure_of(connect(server.url.replace("http:", "https:"), tls_context=certificate.client_context()))
        assert type(error) is TlsFailed
        assert not error.may_have_taken_effect

    def test_a_handshake_that_is_cut_has_had_no_effect(
        self, serve: Serve, connect: Connect, certificate: Certificate
    ) -> None:
        def reset_at_the_greeting(connection: Connection) -> None:
            connection.read_something()
            connection.reset()

        server = serve(reset_at_the_greeting)
        error = failure_of(connect(server.url.replace("http:", "https:"), tls_context=certificate.client_context()))
        assert type(error) is ConnectionFailed
        assert not error.may_have_taken_effect

    def test_an_answer_that_is_no_tls_any_more_may_follow_an_effect(
        self, serve: Serve, connect: Connect, certificate: Certificate
    ) -> None:
        def answer_in_the_clear(connection: Connection) -> None:
            connection.read_request()
            connection.send_in_the_clear(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.hang()

        server = serve(answer_in_the_clear, certificate.server_context())
        error = failure_of(connect(server.url, tls_context=certificate.client_context()))
        assert type(error) is TlsFailed
        assert error.may_have_taken_effect

    def test_a_client_certificate_that_is_missing_is_a_failure_of_tls(
        self, serve: Serve, connect: Connect, certificate: Certificate
    ) -> None:
        strict = certificate.server_context()
        strict.verify_mode = ssl.CERT_REQUIRED
        error = failure_of(connect(serve(tls=strict).url, tls_context=certificate.client_context()))
        assert isinstance(error, ConnectionFailed)

    def test_a_whole_answer_that_is_an_error_is_a_status(self, serve: Serve, connect: Connect) -> None:
        error = failure_of(connect(serve(answering(500, b"<html>Oops</html>")).url))
        assert isinstance(error, StatusError)
        assert (error.status, error.body) == (500, Secret("<html>Oops</html>"))


def _exceptions_of_requests() -> list[type[requests.RequestException]]:
    found = vars(requests.exceptions).values()
    return [kind for kind in found if inspect.isclass(kind) and issubclass(kind, requests.RequestException)]


class TestEveryExceptionBelow:
    @pytest.mark.parametrize("kind", _exceptions_of_requests())
    def test_is_told_as_ours(self, connect: Connect, kind: type[requests.RequestException]) -> None:
        # JSONDecodeError requires the text that it could not decode.
        raised = kind("x", "x", 0) if issubclass(kind, requests.JSONDecodeError) else kind(f"https://x/{CARD_TOKEN}")
        with responses.RequestsMock() as mock:
            mock.post("https://processor.test/links/card-token-5e7a", body=raised)
            error = failure_of(connect("https://processor.test"))
        assert isinstance(error, (TransportError, ReplyBroken, BaseUrlInvalid))

    def test_that_nobody_expected_names_its_place_and_not_its_text(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with responses.RequestsMock() as mock:
            mock.post("https://processor.test/links/card-token-5e7a", body=LookupError(f"no {CARD_TOKEN}"))
            error = failure_of(connect("https://processor.test"))
        assert type(error) is ProcessorError
        assert str(error).startswith("LookupError in responses:")

    def test_that_ends_the_process_goes_on_without_its_frames(self, connect: Connect) -> None:
        def exit_(request: object) -> None:
            sys.exit(1)

        with responses.RequestsMock() as mock:
            mock.add_callback("POST", "https://processor.test/links/card-token-5e7a", exit_)
            with pytest.raises(SystemExit) as caught:
                call(connect("https://processor.test"))
        assert "responses" not in [entry.frame.f_globals["__name__"] for entry in caught.traceback]
        assert caught.value.__context__ is None


def frames_of(error: BaseException) -> list[FrameType]:
    trace, frames = error.__traceback__, []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


def assert_clean(error: BaseException) -> None:
    """No secret is in its text, in its chain, or in a local variable of our frames in its traceback."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = [str(error), repr(error), repr(error.args), repr(vars(error))]
    for frame in frames_of(error):
        if frame.f_globals["__name__"].startswith("enrollment_errors"):
            shown += [repr(value) for value in frame.f_locals.values()]
    for secret in SECRETS:
        assert not any(secret in text for text in shown)


class TestCleanness:
    @pytest.mark.parametrize("behave", [*AFTER_SENDING, answering(500, CARD_TOKEN.encode()), answering(404)])
    def test_a_failure_shows_no_secret(self, serve: Serve, connect: Connect, behave) -> None:
        assert_clean(failure_of(connect(serve(behave).url, read_timeout=0.2)))

    def test_a_refused_connection_shows_no_secret(self, connect: Connect) -> None:
        with refusing_port() as port:
            assert_clean(failure_of(connect(f"http://127.0.0.1:{port}")))

    def test_a_header_that_cannot_be_sent_shows_no_secret(self, serve: Serve, connect: Connect) -> None:
        http = connect(serve().url)
        with pytest.raises(ProcessorError) as caught:
            http.request("GET", "x", headers={"Authorization": Secret(f"{ACCESS_TOKEN}\r\nX: y")}, idempotent=False)
        assert_clean(caught.value)

    def test_a_path_that_cannot_be_encoded_shows_no_secret(self, serve: Serve, connect: Connect) -> None:
        http = connect(serve().url)
        with pytest.raises(ProcessorError) as caught:
            http.request("GET", "{token}", path={"token": Secret(CARD_TOKEN + "\ud800")}, idempotent=False)
        assert_clean(caught.value)

    @pytest.mark.parametrize("content", [b"<html>", b"[1]", b'{"id": "1"}', b"[" * 100_000])
    def test_an_answer_that_cannot_be_used_shows_nothing_of_it(self, content: bytes) -> None:
        response = Response(200, content)
        with pytest.raises(ProcessorError) as caught:
            response.json_fields("access_token", secret=("access_token",))
        assert caught.value.__context__ is None
        assert content.decode() not in repr(response)
