"""A process pools and verifies its connections, gets new ones after a fork, and ignores the environment."""

from __future__ import annotations

import datetime
import http.client
import multiprocessing
import os
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enrollment_errors.exceptions import (
    CertificateExpired,
    CertificateNotValidYet,
    CertificateOfAnotherHost,
    CertificateUntrusted,
    ConnectionFailed,
    StatusError,
    TlsFailed,
)
from enrollment_errors.transport import ProcessorHttp, pool
from tests.waiting import wait_until

from .certificates import Certificate, make_certificate
from .conftest import Connect, Serve
from .upstream import Connection, Upstream, answering, well


def get(http: ProcessorHttp, route: str = "x") -> None:
    http.request("GET", route, idempotent=False)


def hang(connection: Connection) -> None:
    connection.read_request()
    connection.hang()


class TestPooling:
    def test_calls_share_a_connection(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        for _ in range(3):
            get(connect(server.url))
        assert (server.connections, len(server.requests)) == (1, 3)

    def test_over_tls_too(self, serve: Serve, connect: Connect, certificate: Certificate) -> None:
        server = serve(tls=certificate.server_context())
        context = certificate.client_context()
        for _ in range(3):
            get(connect(server.url, tls_context=context))
        assert (server.connections, len(server.requests)) == (1, 3)

    def test_a_failed_status_does_not_cost_the_connection(self, serve: Serve, connect: Connect) -> None:
        server = serve(answering(503))
        for _ in range(3):
            with pytest.raises(StatusError):
                get(connect(server.url))
        assert server.connections == 1

    def test_a_connection_with_a_late_answer_is_not_used_again(self, serve: Serve, connect: Connect) -> None:
        server = serve(hang)
        with pytest.raises(Exception, match="read timeout"):
            get(connect(server.url, read_timeout=0.1))
        server.behave = well
        get(connect(server.url))
        assert server.connections == 2

    def test_simultaneous_calls_wait_for_no_connection(self, serve: Serve, connect: Connect) -> None:
        meeting = threading.Barrier(4, timeout=5)

        def answer_all_at_once(connection: Connection) -> None:
            while connection.read_request():
                meeting.wait()
                connection.reply()

        server = serve(answer_all_at_once)
        threads = [threading.Thread(target=get, args=(connect(server.url),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert (server.connections, len(server.requests)) == (4, 4)

    def test_an_account_has_connections_of_its_own(self, serve: Serve, connect: Connect) -> None:
        server = serve()
        get(connect(server.url))
        get(connect(server.url, account="another"))
        assert server.connections == 2

    def test_another_tls_context_is_another_pool(
        self, serve: Serve, connect: Connect, certificate: Certificate
    ) -> None:
        server = serve(tls=certificate.server_context())
        for context in (certificate.client_context(), certificate.client_context()):
            get(connect(server.url, tls_context=context))
        assert server.connections == 2

    def test_threads_that_open_it_at_once_share_it(self, connect: Connect, account: str) -> None:
        meeting = threading.Barrier(8, timeout=5)
        contexts = [ssl.create_default_context(), ssl.create_default_context()]
        for context in contexts:
            got: list[object] = []

            def open_(context: ssl.SSLContext = context, got: list[object] = got) -> None:
                meeting.wait()
                got.append(pool.pool_of(account, context, 4))

            threads = [threading.Thread(target=open_) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(5)
            assert len(set(map(id, got))) == 1


class TestStaleConnections:
    """A pooled connection must never fail a request that no server has seen."""

    def test_one_that_the_server_has_closed_is_replaced(self, serve: Serve, connect: Connect) -> None:
        closed = threading.Event()

        def answer_once(connection: Connection) -> None:
            connection.read_request()
            connection.reply()
            connection.close()
            closed.set()

        server = serve(answer_once)
        http = connect(server.url)
        for _ in range(3):
            http.request("POST", "x", idempotent=False)
            assert closed.wait(5)
            closed.clear()
        assert (server.connections, len(server.requests)) == (3, 3)

    def test_one_that_was_reset_is_replaced(self, serve: Serve, connect: Connect) -> None:
        was_reset = threading.Event()

        def answer_once(connection: Connection) -> None:
            connection.read_request()
            connection.reply()
            connection.reset()
            was_reset.set()

        server = serve(answer_once)
        http = connect(server.url)
        for _ in range(3):
            http.request("POST", "x", idempotent=False)
            assert was_reset.wait(5)
            was_reset.clear()
        assert len(server.requests) == 3

    def test_one_that_dies_between_the_look_and_the_first_byte_is_replaced(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A test cannot hit the moment between the two, so it skips the check.
        monkeypatch.setattr(pool._BoundedConnection, "is_connected", True)
        was_reset = threading.Event()

        def answer_once(connection: Connection) -> None:
            connection.read_request()
            connection.reply()
            connection.reset()
            was_reset.set()

        server = serve(answer_once)
        http = connect(server.url)
        http.request("POST", "x", idempotent=False)
        assert was_reset.wait(5)
        http.request("POST", "x", idempotent=False)
        assert len(server.requests) == 2

    def test_a_request_that_the_server_may_have_seen_is_not_repeated(self, serve: Serve, connect: Connect) -> None:
        def cut_the_second(connection: Connection) -> None:
            connection.read_request()
            connection.reply()
            connection.read_request()

        server = serve(cut_the_second)
        http = connect(server.url)
        http.request("POST", "x", idempotent=False)
        with pytest.raises(ConnectionFailed) as caught:
            http.request("POST", "x", idempotent=False)
        assert caught.value.may_have_taken_effect
        assert len(server.requests) == 2

    def test_one_that_was_idle_for_long_is_replaced(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = serve()
        get(connect(server.url))
        now = time.monotonic()
        monkeypatch.setattr(pool.time, "monotonic", lambda: now + pool.MAX_IDLE)
        get(connect(server.url))
        assert server.connections == 2


class TestFork:
    def test_a_child_has_connections_of_its_own(self, serve: Serve, connect: Connect) -> None:
        """With the parent's connections, one child would read another's answer."""

        def echo(connection: Connection) -> None:
            while request := connection.read_request():
                connection.reply(200, request.path.encode())

        server = serve(echo)
        http = connect(server.url)
        get(http)
        context = multiprocessing.get_context("fork")
        answers = context.SimpleQueue()

        def child(number: int) -> None:
            for _ in range(20):
                content = http.request("GET", "{child}", path={"child": f"child-{number}"}, idempotent=False).content
                answers.put((number, content))

        children = [context.Process(target=child, args=(number,)) for number in range(4)]
        for process in children:
            process.start()
        got = [answers.get() for _ in range(80)]
        for process in children:
            process.join(10)
        assert all(content == f"/base/child-{number}".encode() for number, content in got)
        get(http)
        assert server.connections == 5

    def test_a_call_that_is_under_way_while_the_process_forks_does_not_hinder_the_child(
        self, serve: Serve, connect: Connect
    ) -> None:
        release = threading.Event()

        def answer_when_told(connection: Connection) -> None:
            while connection.read_request():
                release.wait(5)
                connection.reply()

        server = serve(answer_when_told)
        http = connect(server.url, max_calls=1, max_calls_wait=0.1)
        thread = threading.Thread(target=get, args=(http,))
        thread.start()
        wait_until(lambda: server.requests, "the arrival of the call")
        context = multiprocessing.get_context("fork")
        child = context.Process(target=get, args=(http,))
        child.start()
        release.set()
        child.join(10)
        thread.join(10)
        assert child.exitcode == 0


class TestTls:
    def test_the_accounts_own_context_is_used(self, serve: Serve, connect: Connect, certificate: Certificate) -> None:
        server = serve(tls=certificate.server_context())
        get(connect(server.url, tls_context=certificate.client_context()))
        assert len(server.requests) == 1

    def test_an_unknown_certificate_is_refused(self, serve: Serve, connect: Connect, certificate: Certificate) -> None:
        server = serve(tls=certificate.server_context())
        with pytest.raises(TlsFailed) as caught:
            get(connect(server.url))
        assert not caught.value.may_have_taken_effect
        assert server.requests == []

    def test_a_certificate_of_another_host_is_refused(self, serve: Serve, connect: Connect, tmp_path: Path) -> None:
        other = make_certificate(tmp_path, "elsewhere.test")
        server = serve(tls=other.server_context())
        with pytest.raises(TlsFailed):
            get(connect(server.url, tls_context=other.client_context()))

    def test_a_private_context_trusts_nobody_else(
        self, serve: Serve, connect: Connect, certificate: Certificate
    ) -> None:
        context = certificate.client_context()
        get(connect(serve(tls=certificate.server_context()).url, tls_context=context))
        assert len(context.get_ca_certs()) == 1

    def test_a_context_that_does_not_verify_is_made_to(
        self, serve: Serve, connect: Connect, certificate: Certificate, tmp_path: Path
    ) -> None:
        careless = certificate.client_context()
        careless.check_hostname = False
        careless.verify_mode = ssl.CERT_NONE
        other = make_certificate(tmp_path, "elsewhere.test")
        with pytest.raises(TlsFailed):
            get(connect(serve(tls=other.server_context()).url, tls_context=careless))


def day(number: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=number)


class TestCertificates:
    """Operators learn what is wrong with a certificate."""

    @pytest.mark.parametrize(
        ("since", "until", "expected"),
        [(-2, -1, CertificateExpired), (1, 2, CertificateNotValidYet)],
    )
    def test_out_of_its_time(
        self,
        serve: Serve,
        connect: Connect,
        tmp_path: Path,
        since: int,
        until: int,
        expected: type[TlsFailed],
    ) -> None:
        certificate = make_certificate(tmp_path, since=day(since), until=day(until))
        server = serve(tls=certificate.server_context())
        assert_refused_as(expected, connect(server.url, tls_context=certificate.client_context()))

    def test_of_another_host(self, serve: Serve, connect: Connect, tmp_path: Path) -> None:
        other = make_certificate(tmp_path, "elsewhere.test")
        server = serve(tls=other.server_context())
        assert_refused_as(CertificateOfAnotherHost, connect(server.url, tls_context=other.client_context()))

    def test_of_another_address(self, serve: Serve, connect: Connect, certificate: Certificate) -> None:
        server = serve(tls=certificate.server_context())
        url = server.url.replace("localhost", "127.0.0.1")
        assert_refused_as(CertificateOfAnotherHost, connect(url, tls_context=certificate.client_context()))

    def test_that_nobody_vouches_for(self, serve: Serve, connect: Connect, certificate: Certificate) -> None:
        assert_refused_as(CertificateUntrusted, connect(serve(tls=certificate.server_context()).url))


def assert_refused_as(kind: type[TlsFailed], http: ProcessorHttp) -> None:
    with pytest.raises(TlsFailed) as caught:
        get(http)
    assert type(caught.value) is kind
    assert not caught.value.may_have_taken_effect


class TestEnvironment:
    @pytest.fixture
    def proxy(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
        proxy = serve(answering(502))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield proxy
        assert proxy.connections == 0

    def test_its_proxies_are_ignored(self, serve: Serve, connect: Connect, proxy: Upstream) -> None:
        server = serve()
        get(connect(server.url))
        assert len(server.requests) == 1

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_its_certificates_are_ignored(
        self, serve: Serve, connect: Connect, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, str(certificate.pem))
        server = serve(tls=certificate.server_context())
        with pytest.raises(TlsFailed):
            get(connect(server.url))

    def test_its_netrc_is_ignored(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine localhost login rider password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", os.fspath(netrc))
        server = serve()
        get(connect(server.url))
        assert "authorization" not in server.requests[0].headers


def test_no_cookie_is_kept(serve: Serve, connect: Connect) -> None:
    server = serve(answering(200, Set_Cookie="session=of-another-rider; Path=/"))
    get(connect(server.url))
    get(connect(server.url))
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(serve: Serve, connect: Connect, status: int) -> None:
    elsewhere = serve()
    server = serve(answering(status, Location=f"{elsewhere.url}/else"))
    with pytest.raises(StatusError) as caught:
        get(connect(server.url))
    assert caught.value.status == status
    assert (len(server.requests), elsewhere.connections) == (1, 0)


def test_a_redirect_to_nonsense_is_only_its_status(serve: Serve, connect: Connect) -> None:
    server = serve(answering(302, Location="http://[nonsense"))
    with pytest.raises(StatusError, match="302"):
        get(connect(server.url))


def test_a_site_that_debugs_http_does_not_see_our_requests(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    get(connect(serve().url))
    assert capsys.readouterr().out == ""
