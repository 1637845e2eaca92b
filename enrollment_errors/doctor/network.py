"""The way to the processor, step by step: address, name, connection, TLS, clock; and the card form's script."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from django.conf import settings as django_settings
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from ..classification import classify
from ..exceptions import BaseUrlInvalid, TlsFailed
from ..processors.account import Account
from ..processors.types import Endpoint, TokenizationRequest
from ..transport.call import check_base_url, is_loopback
from ..transport.failures import failed_handshake
from .diagnoses import Trouble
from .fetching import CONNECT_SECONDS, fetch

DAYS_LEFT = 14
CLOCK_SECONDS = 30


def base_url(endpoint: Endpoint) -> str:
    try:
        check_base_url(endpoint.base_url)
    except BaseUrlInvalid as error:
        raise Trouble("base_url_invalid", str(error)) from error
    return endpoint.base_url


def name(endpoint: Endpoint) -> str:
    host, port = _server(endpoint)
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Trouble("processor_name_not_resolved", host) from error
    return ", ".join(sorted({str(address[4][0]) for address in addresses}))


def connection(endpoint: Endpoint) -> str:
    host, port = _server(endpoint)
    with _connected(host, port):
        return f"{host} port {port}"


def tls(endpoint: Endpoint) -> str:
    """How many days remain until the certificate expires."""
    host, port = _server(endpoint)
    if urlsplit(endpoint.base_url).scheme == "http":
        return _without_tls(host, port)
    context = endpoint.tls_context
    certificate = _handshake(host, port, context or ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH))
    days = int((ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) // 86_400)
    if days < DAYS_LEFT:
        raise Trouble("certificate_expires_soon", f"{days} days left")
    return f"certificate valid for {days} more days"


def clock(endpoint: Endpoint) -> str:
    """The processor's clock, according to its web server."""
    if endpoint.tls_context is not None:
        return "not asked: the account has a TLS context of its own"
    try:
        told = fetch("GET", endpoint.base_url).headers.get("Date", "")
        seconds = time.time() - parsedate_to_datetime(told).timestamp()
    except (requests.RequestException, ValueError, TypeError):
        return "the server does not tell its time"
    if abs(seconds) > CLOCK_SECONDS:
        raise Trouble("clock_off", f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the processor")
    return f"{abs(seconds):.0f} s apart"


def card_form(account: Account) -> str:
    form = account.processor.card_form(account.options, TokenizationRequest(language="en"))
    if not form.script:
        return "none: riders go to the processor's own page"
    try:
        answer = fetch("GET", form.script)
    except requests.RequestException as error:
        raise Trouble("card_form_unreachable", f"{form.script}: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise Trouble("card_form_unreachable", f"{form.script}: status {answer.status_code}")
    kind = answer.headers.get("Content-Type", "no type")
    if "javascript" not in kind or not answer.content.strip():
        raise Trouble("card_form_no_script", f"{form.script}: {kind}, {len(answer.content)} bytes")
    return form.script


def environment(account: Account) -> str:
    """Whether the account's hosts and the site are both for tests or both in production, judging by their names."""
    form = account.processor.card_form(account.options, TokenizationRequest(language="en"))
    urls = [*(endpoint.base_url for endpoint in account.endpoints.values()), form.script]
    hosts = sorted({host for url in urls if (host := urlsplit(url).hostname) and not _is_on_this_network(host)})
    of_tests = [host for host in hosts if _OF_TESTS.search(host)]
    if not hosts:
        return "this machine or its network"
    if of_tests and len(of_tests) < len(hosts):
        raise Trouble("environments_mixed", ", ".join(hosts))
    if of_tests and not django_settings.DEBUG:
        raise Trouble("test_host_in_production", ", ".join(hosts))
    if not of_tests and django_settings.DEBUG:
        raise Trouble("production_host_in_test", ", ".join(hosts))
    return f"{'test' if of_tests else 'production'}: {', '.join(hosts)}"


_OF_TESTS = re.compile(r"(^|[.-])(dev|int|preprod|qa|sandbox|stage|staging|sit|test|testing|uat)\d*[.-]", re.IGNORECASE)
"""A part of a host's name, other than the last."""


def _is_on_this_network(host: str) -> bool:
    """An IP address, or a name without a domain, does not reveal the environment."""
    return is_loopback(host) or "." not in host or host.replace(".", "").isdigit() or ":" in host


def _server(endpoint: Endpoint) -> tuple[str, int]:
    parts = urlsplit(endpoint.base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@contextmanager
def _connected(host: str, port: int) -> Iterator[socket.socket]:
    try:
        sock = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except ConnectionRefusedError as error:
        raise Trouble("connection_refused", f"{host} port {port}") from error
    except OSError as error:
        raise Trouble("no_connection", f"{host} port {port}: {type(error).__name__}") from error
    with sock:
        yield sock


def _without_tls(host: str, port: int) -> str:
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    try:
        _handshake(host, port, anybody)
    except Trouble:
        if not is_loopback(host):
            raise Trouble("not_encrypted", host) from None
        return "none, and none needed on this machine"
    raise Trouble("http_for_https", host)


def _handshake(host: str, port: int, context: ssl.SSLContext) -> dict[str, object]:
    """The server's certificate; empty if the context does not verify it.

    The handshake runs through memory, because the context of a connection pool makes sockets that need a call's
    deadline.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with _connected(host, port) as sock:
        while True:
            try:
                session.do_handshake()
                return dict(session.getpeercert() or {})
            except ssl.SSLWantReadError:
                _exchange(sock, incoming, outgoing)
            except ssl.SSLCertVerificationError as error:
                raise Trouble(_code(failed_handshake(error)), error.verify_message) from error
            except ssl.SSLError as error:
                reason = error.reason or type(error).__name__
                plain = reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_EOF_WHILE_READING")
                raise Trouble("no_tls" if plain else _code(failed_handshake(error)), reason) from error


def _exchange(sock: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
    try:
        sock.sendall(outgoing.read())
        if received := sock.recv(16_384):
            incoming.write(received)
        else:
            incoming.write_eof()
    except OSError as error:
        raise Trouble("no_tls", type(error).__name__) from error


def _code(error: TlsFailed) -> str:
    return classify(error, processor="", stage=None).code
