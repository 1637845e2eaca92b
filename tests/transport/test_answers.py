"""Answers are read strictly, and a connection is never used again after anything was out of order.

The next call belongs to the next rider, and it must read the answer to that call and to no other.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from enrollment_errors.clock import Deadline
from enrollment_errors.exceptions import (
    ConnectionFailed,
    ReplyBroken,
    ReplyIncomplete,
    ReplyNotJson,
    StatusError,
    TlsFailed,
)
from enrollment_errors.transport import ProcessorHttp, Response, answer, pool
from enrollment_errors.transport.call import Progress

from .certificates import Certificate
from .conftest import Connect, Serve
from .upstream import Connection, Upstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright"


def get(http: ProcessorHttp, who: str = "x") -> bytes:
    return http.request("GET", "{who}", path={"who": who}, idempotent=False).content


def post(http: ProcessorHttp) -> bytes:
    return http.request("POST", "x", json={"id": "1"}, idempotent=False).content


def sending(*parts: bytes) -> Callable[[Connection], None]:
    """Answers each request with ``parts``, and keeps the connection open."""

    def behave(connection: Connection) -> None:
        while connection.read_request():
            for part in parts:
                connection.send(part)

    return behave


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


class TestInterimAnswers:
    @pytest.mark.parametrize("status", [100, 102, 103, 150, 199])
    def test_are_read_past(self, serve: Serve, connect: Connect, status: int) -> None:
        interim = f"HTTP/1.1 {status} Wait\r\nLink: </style.css>\r\n\r\n".encode()
        server = serve(sending(interim, interim, OK))
        assert [get(connect(server.url)) for _ in range(3)] == [b"right"] * 3
        assert server.connections == 1

    def test_never_leave_the_answer_to_the_next_rider(self, serve: Serve, connect: Connect) -> None:
        def think_first(connection: Connection) -> None:
            while request := connection.read_request():
                connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
                time.sleep(0.02)  # the answer must come later than the interim one
                connection.reply(200, request.path.encode())

        http = connect(serve(think_first).url)
        for number in range(25):
            assert get(http, f"rider-{number}") == f"/base/rider-{number}".encode()

    def test_may_carry_what_looks_like_framing(self, serve: Serve, connect: Connect) -> None:
        server = serve(sending(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 44\r\n\r\n", OK))
        assert get(connect(server.url)) == b"right"

    def test_without_end_are_not_listened_to(self, serve: Serve, connect: Connect) -> None:
        def wait_for_ever(connection: Connection) -> None:
            connection.read_request()
            while True:
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

        server = serve(wait_for_ever)
        before = time.thread_time()
        with pytest.raises(ReplyBroken) as caught:
            get(connect(server.url))
        assert time.thread_time() - before < 1, "reading them took as much CPU as there was time"
        assert caught.value.may_have_taken_effect

    def test_with_endless_headers_are_not_listened_to(self, serve: Serve, connect: Connect) -> None:
        interim = b"HTTP/1.1 103 Hints\r\n" + 90 * (b"Link: " + b"x" * 500 + b"\r\n") + b"\r\n"
        with pytest.raises(ReplyBroken):
            get(connect(serve(sending(*[interim] * 5, OK)).url))

    def test_that_switch_the_protocol_are_an_error(self, serve: Serve, connect: Connect) -> None:
        server = serve(sending(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", OK))
        with pytest.raises(ReplyBroken) as caught:
            get(connect(server.url))
        assert caught.value.may_have_taken_effect


BROKEN = {
    "no status line": b"220 mail.test ESMTP\r\n\r\n",
    "an empty line": b"\r\n" + OK,
    "a status of two digits": b"HTTP/1.1 99 Low\r\n\r\n",
    "a status that is no status": b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a header without a colon": head("Content-Length 5") + b"right",
    "a header with a space in its name": head("Content-Length : 5") + b"right",
    "a first header that continues another": head(" folded", "Content-Length: 5") + b"right",
    "a header inside another": head("X: a\rContent-Length: 2", "Content-Length: 5") + b"right",
    "a zero byte in a header": head("X: a\0", "Content-Length: 5") + b"right",
    "a zero byte in the rest of a header": head("X: a", " b\0", "Content-Length: 5") + b"right",
    "a header that is too long": head("X: " + "a" * 70_000, "Content-Length: 5") + b"right",
    "headers without end": head(*["X: a"] * 1000, "Content-Length: 5") + b"right",
    "two lengths": head("Content-Length: 5", "Content-Length: 6") + b"right",
    "two lengths in one header": head("Content-Length: 5, 6") + b"right",
    "a negative length": head("Content-Length: -5") + b"right",
    "a length with a sign": head("Content-Length: +5") + b"right",
    "a length with an underscore": head("Content-Length: 1_0") + b"rightright",
    "a length that is empty": head("Content-Length:") + b"right",
    "a length that is no number": head("Content-Length: five") + b"right",
    "an endless length": head("Content-Length: " + "9" * 400) + b"right",
    "an unknown transfer encoding": head("Transfer-Encoding: gzip, chunked") + b"5\r\nright\r\n0\r\n\r\n",
    "two transfer encodings": head(*["Transfer-Encoding: chunked"] * 2) + b"5\r\nright\r\n0\r\n\r\n",
    "a chunk of no size": head("Transfer-Encoding: chunked") + b"five\r\nright\r\n0\r\n\r\n",
    "a chunk of negative size": head("Transfer-Encoding: chunked") + b"-5\r\nright\r\n0\r\n\r\n",
    "a chunk of a size with a prefix": head("Transfer-Encoding: chunked") + b"0x5\r\nright\r\n0\r\n\r\n",
    "a chunk that is longer than it said": head("Transfer-Encoding: chunked") + b"3\r\nright\r\n0\r\n\r\n",
    "chunks of one byte without end": head("Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 20_000,
    "trailers without end": head("Transfer-Encoding: chunked") + b"0\r\n" + b"X: a\r\n" * 20_000,
}


class TestBrokenAnswers:
    @pytest.mark.parametrize("name", BROKEN)
    def test_are_told_as_such_and_cost_the_connection(self, serve: Serve, connect: Connect, name: str) -> None:
        server = serve(sending(BROKEN[name]))
        started = time.monotonic()
        with pytest.raises(ReplyBroken) as caught:
            get(connect(server.url, read_timeout=30, budget=30))
        assert time.monotonic() - started < 30, "it waited for more, in place of telling what it had"
        assert caught.value.may_have_taken_effect
        server.behave = sending(OK)
        assert get(connect(server.url)) == b"right"
        assert server.connections == 2

    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    def test_include_those_that_cannot_be_decoded(self, serve: Serve, connect: Connect, coding: str) -> None:
        body = b"\x07 is the beginning of neither"
        server = serve(sending(head(f"Content-Encoding: {coding}", f"Content-Length: {len(body)}") + body))
        with pytest.raises(ReplyBroken) as caught:
            get(connect(server.url))
        assert caught.value.may_have_taken_effect

    def test_are_asked_for_again_where_that_takes_nothing_from_anybody(self, serve: Serve, connect: Connect) -> None:
        def break_once(connection: Connection) -> None:
            connection.read_request()
            connection.send(BROKEN["two lengths"] if server.connections == 1 else OK)
            connection.read_request()

        server: Upstream = serve(break_once)
        http = connect(server.url)
        assert http.request("GET", "x", idempotent=True).content == b"right"

    @pytest.mark.parametrize(
        "cut",
        [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-", head("Transfer-Encoding: chunked") + b"5", head("X: y")[:-2]],
    )
    def test_are_no_answers_that_were_cut(self, serve: Serve, connect: Connect, cut: bytes) -> None:
        def send_and_close(connection: Connection) -> None:
            connection.read_request()
            connection.send(cut)

        with pytest.raises(ConnectionFailed) as caught:
            get(connect(serve(send_and_close).url))
        assert caught.value.may_have_taken_effect


UNUSUAL = {
    "lines without a carriage return": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nright",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nright",
    "the same length twice": head("Content-Length: 5", "content-length: 5") + b"right",
    "the same length twice in one header": head("Content-Length: 5, 5 ") + b"right",
    "spaces around the encoding": head("Transfer-Encoding:  Chunked ") + b"5\r\nright\r\n0\r\n\r\n",
    "a folded header": head("X: a", "  b", "\tc", "Content-Length: 5") + b"right",
    "extensions of chunks": head("Transfer-Encoding: chunked") + b"5 ;a=b\r\nright\r\n0;c\r\n\r\n",
    "several chunks": head("Transfer-Encoding: chunked") + b"2\r\nri\r\n3\r\nght\r\n0\r\n\r\n",
    "trailers": head("Transfer-Encoding: chunked") + b"5\r\nright\r\n0\r\nX: a\r\nY: b\r\n\r\n",
    "letters of other alphabets": head("X: \u00e9", "Content-Length: 5") + b"right",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_answer_is_as_good_as_any(serve: Serve, connect: Connect, name: str) -> None:
    server = serve(sending(UNUSUAL[name]))
    assert [get(connect(server.url)) for _ in range(3)] == [b"right"] * 3
    assert server.connections == 1


def test_an_answer_that_ends_with_its_connection_is_read_to_its_end(serve: Serve, connect: Connect) -> None:
    def answer_and_close(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.0 200 OK\r\n\r\nri")
        connection.send(b"ght")

    server = serve(answer_and_close)
    assert [get(connect(server.url)) for _ in range(2)] == [b"right"] * 2
    assert server.connections == 2


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_keeps_its_connection(serve: Serve, connect: Connect, status: int) -> None:
    server = serve(sending(f"HTTP/1.1 {status} Nothing\r\n\r\n".encode()))
    for _ in range(2):
        with suppress(StatusError):  # 304 raises it, because it is not 2xx
            assert get(connect(server.url)) == b""
    assert (server.connections, len(server.requests)) == (1, 2)


OUT_OF_ORDER = {
    "more than the length": OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
    "a byte more": OK + b"\n",
    "more than the last chunk": head("Transfer-Encoding: chunked") + b"5\r\nright\r\n0\r\n\r\n" + OK,
    "a body that a 204 cannot have": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nwrong",
    "a length and chunks": head("Content-Length: 3", "Transfer-Encoding: chunked") + b"5\r\nright\r\n0\r\n\r\n",
    "chunks of an older version": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nright\r\n0\r\n\r\n",
    "more than is read": head("Content-Length: 3000000") + b"x" * 3_000_000,
}


@pytest.mark.parametrize("name", OUT_OF_ORDER)
@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_out_of_order_is_not_used_again(
    serve: Serve, connect: Connect, certificate: Certificate, name: str, tls: bool
) -> None:
    closed = threading.Event()

    def answer_out_of_order(connection: Connection) -> None:
        connection.read_request()
        with suppress(OSError):  # the client closes it while there is more to send
            connection.send(OUT_OF_ORDER[name])
            assert connection.read_request() is None
        closed.set()

    server = serve(answer_out_of_order, certificate.server_context() if tls else None)
    context = certificate.client_context() if tls else None
    assert get(connect(server.url, tls_context=context)) in (b"right", b"", b"x" * 2 * 1024 * 1024)
    assert closed.wait(5), "it was kept open, though nobody may use it again"
    server.behave = sending(OK)
    assert get(connect(server.url, tls_context=context)) == b"right"
    assert server.connections == 2


class TestAnswersTooEarly:
    """The server answers before it has the request, or before it has all of it."""

    def test_on_a_new_connection_are_answers_and_cost_it(self, serve: Serve, connect: Connect) -> None:
        """An overloaded gateway says so at once."""
        greeted = threading.Event()

        def turn_away(connection: Connection) -> None:
            connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
            greeted.set()
            while connection.read_request():
                pass

        server = serve(turn_away)
        opened = pool.open_connection

        def open_and_wait(*args: object) -> object:
            sock = opened(*args)  # type: ignore[arg-type]
            assert greeted.wait(5)
            return sock

        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(pool, "open_connection", open_and_wait)
            for _ in range(2):
                with pytest.raises(StatusError) as caught:
                    post(connect(server.url))
                assert caught.value.status == 503
                assert caught.value.body.reveal() == "busy"
        assert server.connections == 2

    def test_that_are_resets_have_had_no_effect(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_open, was_reset = threading.Semaphore(0), threading.Semaphore(0)

        def reset_at_once(connection: Connection) -> None:
            assert is_open.acquire(timeout=5)
            connection.reset()
            was_reset.release()

        opened = pool.open_connection

        def open_and_wait(*args: object) -> object:
            sock = opened(*args)  # type: ignore[arg-type]
            is_open.release()
            assert was_reset.acquire(timeout=5)
            return sock

        monkeypatch.setattr(pool, "open_connection", open_and_wait)
        server = serve(reset_at_once)
        with pytest.raises(ConnectionFailed) as caught:
            post(connect(server.url))
        assert not caught.value.may_have_taken_effect
        assert server.connections == 2, "nobody had seen anything, so it was worth another connection"

    @pytest.mark.parametrize("tls", [False, True])
    def test_before_the_request_are_nobodys_and_it_goes_another_way(
        self, serve: Serve, connect: Connect, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, tls: bool
    ) -> None:
        # A test cannot hit the moment between the check of the connection and the first byte, so it skips the check.
        monkeypatch.setattr(pool._BoundedConnection, "is_connected", True)
        answered, spoken = threading.Event(), threading.Event()

        def answer_twice(connection: Connection) -> None:
            connection.read_request()
            connection.send(OK)
            assert answered.wait(5)
            connection.send(OK.replace(b"right", b"wrong"))
            spoken.set()
            connection.hang()

        server = serve(answer_twice, certificate.server_context() if tls else None)
        http = connect(server.url, tls_context=certificate.client_context() if tls else None)
        assert post(http) == b"right"
        server.behave = sending(OK)
        answered.set()
        assert spoken.wait(5)
        assert post(http) == b"right"
        assert server.connections == 2

    def test_in_the_middle_of_a_request_on_a_used_connection_are_trusted_by_nobody(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoken = threading.Event()

        def answer_twice(connection: Connection) -> None:
            connection.read_request()
            connection.send(OK)
            connection.read_something()
            connection.send(OK.replace(b"right", b"wrong"))
            spoken.set()
            connection.hang()

        server = serve(answer_twice)
        http = connect(server.url)
        assert post(http) == b"right"
        with monkeypatch.context() as patch:
            wait_after_the_headers(patch, spoken)
            with pytest.raises(ReplyBroken) as caught:
                post(http)
        assert caught.value.may_have_taken_effect
        server.behave = sending(OK)
        assert post(http) == b"right"
        assert server.connections == 2

    def test_that_are_no_tls_before_the_request_are_replaced(
        self, serve: Serve, connect: Connect, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pool._BoundedConnection, "is_connected", True)
        spoken = threading.Event()

        def answer_and_babble(connection: Connection) -> None:
            connection.read_request()
            connection.send(OK)
            connection.send_in_the_clear(b"no record of TLS")
            spoken.set()
            connection.hang()

        server = serve(answer_and_babble, certificate.server_context())
        http = connect(server.url, tls_context=certificate.client_context())
        assert post(http) == b"right"
        assert spoken.wait(5)
        server.behave = sending(OK)
        assert post(http) == b"right"
        assert server.connections == 2

    def test_that_are_no_tls_in_the_middle_of_a_request_are_a_failure_of_tls(
        self, serve: Serve, connect: Connect, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoken = threading.Event()

        def babble(connection: Connection) -> None:
            connection.read_something()
            connection.send_in_the_clear(b"no record of TLS")
            spoken.set()
            connection.hang()

        server = serve(babble, certificate.server_context())
        wait_after_the_headers(monkeypatch, spoken)
        with pytest.raises(TlsFailed) as caught:
            post(connect(server.url, tls_context=certificate.client_context()))
        assert caught.value.may_have_taken_effect


def wait_after_the_headers(monkeypatch: pytest.MonkeyPatch, event: threading.Event) -> None:
    """Stretches the short moment between headers and body until ``event`` says that the server has acted."""
    end_headers = pool._BoundedConnection.endheaders

    def end_and_wait(self: pool._BoundedConnection) -> None:
        end_headers(self)
        assert event.wait(5)

    monkeypatch.setattr(pool._BoundedConnection, "endheaders", end_and_wait)


class TestReader:
    """What ``http.client`` does with its file in some versions of Python."""

    @staticmethod
    def reading(data: bytes) -> tuple[answer.AnswerReader, list[tuple[int, bool]]]:
        ends: list[tuple[int, bool]] = []
        exchange = Progress(Deadline(8), 1, 1, sent=True)
        raw = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
        return answer.AnswerReader(raw, exchange, lambda *end: ends.append(end)), ends  # type: ignore[arg-type]

    def test_counts_what_is_read_into_a_buffer(self) -> None:
        reader, ends = self.reading(OK)
        while reader.readline() != b"\r\n":
            pass
        buffer = bytearray(5)
        assert (reader.readinto(buffer), bytes(buffer)) == (5, b"right")
        reader.close()
        assert ends == [(len(OK), True)]

    def test_tells_its_end_once(self) -> None:
        reader, ends = self.reading(OK)
        reader.readline()
        reader.close()
        reader.close()
        assert [in_order for _, in_order in ends] == [False]


@pytest.mark.parametrize("number", [answer.MAX_INTERIM, answer.MAX_INTERIM + 1])
def test_the_bound_of_interim_answers_holds_exactly(serve: Serve, connect: Connect, number: int) -> None:
    server = serve(sending(b"HTTP/1.1 100 Continue\r\n\r\n" * number + OK))
    if number == answer.MAX_INTERIM:
        assert get(connect(server.url)) == b"right"
    else:
        with pytest.raises(ReplyBroken):
            get(connect(server.url))


@pytest.mark.parametrize("depth", [400, 900, 980, 1_500, 5_000, 9_000, 100_000])
@pytest.mark.parametrize("field", ['"token": %s', '"other": %s, "token": "right"'])
def test_json_however_deep_is_a_reply_or_a_known_failure(
    serve: Serve, connect: Connect, depth: int, field: str
) -> None:
    body = b"{" + (field % ("[" * depth + "]" * depth)).encode() + b"}"
    server = serve(sending(head(f"Content-Length: {len(body)}") + body))
    response = connect(server.url).request("GET", "x", idempotent=False)
    # We handle either of these, but not a RecursionError.
    with suppress(ReplyNotJson, ReplyIncomplete):
        assert response.json_fields("token", secret=("token",))["token"].reveal() == "right"


@pytest.mark.parametrize(
    "body",
    [
        b'{"token": "\\ud800"}',
        b'{"token": "right", "other": ["\\uDfff"]}',
        b'{"token": "\xed\xa0\x80"}',
        b'{"token": ' + b"9" * 5_000 + b"}",
        b'{"token": "\xff"}',
        '{"token": "\\ud800"}'.encode("utf-16"),
    ],
)
def test_text_that_cannot_be_passed_on_is_no_json(body: bytes) -> None:
    """Half a character would fail later, wherever it is written: in a URL, a database, an event."""
    response = Response(200, body)
    assert not response.is_json
    with pytest.raises(ReplyNotJson):
        response.json_fields("token")


@pytest.mark.parametrize("text", ["\\ud83d\\ude8d", "\\\\ud800", "\U0001f68d", "\ufeff"])
def test_whole_characters_are_passed_on_however_they_are_written(text: str) -> None:
    body = f'{{"token": "{text}"}}'
    assert Response(200, body.encode()).json_fields("token")["token"] == json.loads(body)["token"]


def test_a_mark_of_the_byte_order_is_passed_over() -> None:
    assert Response(200, b'\xef\xbb\xbf{"token": "right"}').json_fields("token") == {"token": "right"}


@pytest.mark.parametrize("size", [3_000_000, 30_000_000])
def test_a_huge_answer_is_no_json_and_is_not_read_to_its_end(serve: Serve, connect: Connect, size: int) -> None:
    def answer_hugely(connection: Connection) -> None:
        connection.read_request()
        with suppress(OSError):
            connection.send(head(f"Content-Length: {size}") + b'{"token": "' + b"x" * (size - 13) + b'"}')

    response = connect(serve(answer_hugely).url).request("GET", "x", idempotent=False)
    with pytest.raises(ReplyNotJson):
        response.json_fields("token")
