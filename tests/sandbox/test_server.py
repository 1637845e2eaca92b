from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.handler import Handler, Reply, Request
from enrollment_errors.sandbox.listener import THREAD_NAME
from enrollment_errors.sandbox.loopback import LoopbackServer, NotLoopback
from enrollment_errors.sandbox.server import SandboxServer
from tests.waiting import wait_until

from .conftest import Api


def sandbox_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


class TestAddress:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "localhost.example.com"])
    def test_nothing_but_loopback_is_bound(self, host: str) -> None:
        with pytest.raises(NotLoopback, match="--allow-remote"):
            SandboxServer(host=host)

    def test_another_address_is_bound_where_that_is_allowed(self) -> None:
        with SandboxServer(host="0.0.0.0", allow_remote=True) as server:
            assert requests.get(f"http://127.0.0.1:{server.port}/", timeout=5).status_code == 404

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
    def test_every_loopback_address_will_do(self, host: str) -> None:
        with SandboxServer(host=host) as server:
            assert server.url == f"http://{'[::1]' if host == '::1' else host}:{server.port}"

    def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind(self, server: SandboxServer) -> None:
        threads = sandbox_threads()
        with pytest.raises(OSError, match="in use"):
            SandboxServer(port=server.port).start()
        with pytest.raises(OSError, match="in use"):
            SandboxServer(control_port=server.port).start()
        wait_until(lambda: sandbox_threads() == threads)


class TestLife:
    def test_it_starts_and_stops_at_once_and_leaves_no_thread(self) -> None:
        took = []
        for _ in range(5):
            start = time.monotonic()
            with SandboxServer() as server:
                requests.get(server.url, timeout=5)
            took.append(time.monotonic() - start)
        assert min(took) < 0.5
        wait_until(lambda: not sandbox_threads())

    def test_a_call_that_hangs_ends_with_the_server(self) -> None:
        with SandboxServer() as server:
            server.faults.set("*", Fault(kind="hang"))
            failures: list[Exception] = []

            def call() -> None:
                try:
                    requests.get(f"{server.url}/api/v1/concession_groups", timeout=30)
                except requests.RequestException as failure:
                    failures.append(failure)

            caller = threading.Thread(target=call)
            caller.start()
            wait_until(lambda: bool(server.calls))
            start = time.monotonic()
        caller.join()
        assert time.monotonic() - start < 20
        assert isinstance(failures[0], requests.ConnectionError)

    def test_it_can_be_started_again_at_its_port(self) -> None:
        server = SandboxServer()
        with server:
            url = server.url
        with server:
            assert server.url == url
            assert requests.get(url, timeout=5).status_code == 404

    def test_it_stops_while_it_is_down(self) -> None:
        with SandboxServer() as server:
            server.faults.set("*", Fault(kind="down", seconds=60))
        wait_until(lambda: not sandbox_threads())

    def test_a_group_of_10000_is_cheap(self, server: SandboxServer, api: Api) -> None:
        start = time.process_time()
        server.state.fill_group("group-seniors", 10_000)
        assert time.process_time() - start < 2
        reply = api("GET", "concession_groups/group-seniors/fundingsources", params={"page": 100}).json()
        assert (len(reply["list"]), reply["total_count"]) == (100, 10_000)


class TestClients:
    def test_one_that_leaves_in_the_middle_of_its_request_has_not_called(
        self, server: SandboxServer, api: Api, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(b"POST /api/v1/oauth/token HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert server.calls == {}
        assert api("GET", "concession_groups").status_code == 200
        assert capfd.readouterr().err == ""

    def test_one_that_meets_a_bug_of_the_server_is_cut_off_and_the_bug_is_told(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        class Broken(LoopbackServer):
            endpoints = ()

            def endpoint_of(self, request: Request) -> None:
                return None

            def reply_to(self, request: Request, handler: Handler) -> Reply:
                raise LookupError("a bug")

        with Broken() as server:
            with pytest.raises(requests.ConnectionError):
                requests.get(server.url, timeout=5)
            with pytest.raises(requests.ConnectionError):
                requests.get(server.url, timeout=5)
        assert capfd.readouterr().err.count("LookupError: a bug") == 2


class TestCounting:
    def test_calls_are_counted_by_endpoint(self, server: SandboxServer, api: Api, source: str) -> None:
        api("GET", "fundingsources/bytoken/card-1")
        api.link(source)
        api.link(source)
        assert server.calls == {"lookup": 1, "link": 2}

    def test_a_connection_is_kept_and_counted_once(self, server: SandboxServer, api: Api) -> None:
        for _ in range(3):
            api("GET", "concession_groups")
        assert server.connections == 1
        requests.get(f"{server.url}/api/v1/concession_groups", timeout=5)
        assert server.connections == 2
        assert len({request.connection for request in server.requests}) == 2

    def test_requests_are_kept_as_they_arrived(self, server: SandboxServer, api: Api) -> None:
        api("GET", "concession_groups", params={"page": "1 "}, headers={"User-Agent": "me/1"})
        (request,) = server.requests
        assert request.line == "GET /api/v1/concession_groups?page=1+ HTTP/1.1"
        assert request.headers["user-agent"] == "me/1"

    def test_counts_can_be_forgotten_without_the_state(self, server: SandboxServer, api: Api, source: str) -> None:
        api.link(source)
        server.forget_calls()
        assert (server.calls, server.connections, len(server.requests)) == ({}, 0, 0)
        assert server.state.groups["group-seniors"].links


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate for 127.0.0.1, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[SandboxServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with SandboxServer(ssl_context=context) as server:
        yield server


class TestTls:
    def test_it_answers_over_tls(self, secure: SandboxServer, certificate: Path) -> None:
        assert secure.url.startswith("https://")
        assert requests.get(f"{secure.url}/api/v1/x", verify=certificate, timeout=5).status_code == 404

    def test_a_client_that_does_not_trust_it_is_the_clients_affair(
        self, secure: SandboxServer, certificate: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(secure.url, timeout=5)
        assert requests.get(secure.url, verify=certificate, timeout=5).status_code == 404
        assert capfd.readouterr().err == ""

    def test_plain_http_gets_no_answer(self, secure: SandboxServer) -> None:
        with pytest.raises(requests.ConnectionError):
            requests.get(secure.url.replace("https", "http"), timeout=5)

    @pytest.mark.parametrize("kind", ["reset", "cut"])
    def test_broken_connections_break_under_tls(self, secure: SandboxServer, certificate: Path, kind: str) -> None:
        secure.faults.set("*", Fault(kind=kind))
        with pytest.raises(requests.RequestException) as caught:
            requests.get(f"{secure.url}/api/v1/x", verify=certificate, timeout=5)
        assert isinstance(caught.value, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError))

    def test_a_hang_under_tls_ends_with_the_server(self, secure: SandboxServer, certificate: Path) -> None:
        secure.faults.set("*", Fault(kind="hang"))
        stopping = threading.Timer(0.2, secure.stop)
        stopping.start()
        start = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{secure.url}/api/v1/x", verify=certificate, timeout=30)
        stopping.join()
        assert time.monotonic() - start < 5
