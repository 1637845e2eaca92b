"""The connections of this process: one pool for each processor account, made on first use, and new after a fork.

This is ``requests``' adapter without its ``Session``, which would follow redirects, keep cookies, and let the
environment's proxy, CA and netrc settings override what the site configured.
"""

from __future__ import annotations

import ssl
import threading
import time
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from ..processes import PerProcess
from .privacy import SealingPool, opened
from .sockets import BoundedSocket, BoundedTlsSocket, open_connection

MAX_IDLE = 50.0
"""Seconds after which a pooled connection is not used again. Most load balancers and firewalls forget idle connections
after a minute or more, and not all of them say so: the next request would wait for an answer that cannot come."""


class _BoundedConnection(HTTPConnection):
    debuglevel = 0  # otherwise, a site that sets http.client's would see our requests printed
    _used_at = 0.0

    def _new_conn(self) -> BoundedSocket:
        return open_connection(self._dns_host, self.port, self.socket_options or ())

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._used_at = time.monotonic()
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        super().send(opened(data))

    @property
    def is_connected(self) -> bool:
        is_fit = isinstance(self.sock, BoundedSocket) and self.sock.is_fit
        return is_fit and time.monotonic() - self._used_at < MAX_IDLE and super().is_connected


class _BoundedTlsConnection(_BoundedConnection, HTTPSConnection):
    pass


class _Pool(SealingPool):
    ConnectionCls = _BoundedConnection


class _TlsPool(SealingPool, HTTPSConnectionPool):
    ConnectionCls = _BoundedTlsConnection


class ConnectionPool(HTTPAdapter):
    """``requests``' adapter on sockets that keep the deadline. Never waits for a free connection: the bulkhead does."""

    def __init__(self, tls_context: ssl.SSLContext | None, size: int) -> None:
        self._tls_context = tls_context
        super().__init__(pool_connections=2, pool_maxsize=size, max_retries=0, pool_block=False)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            context = self._tls_context or _default_context()
            context.sslsocket_class = BoundedTlsSocket
            options["ssl_context"] = context
        return host, options

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Adds nothing: the context verifies. The original would load the public CAs into a private context too."""

    def open(self, request: PreparedRequest) -> Any:
        return self.send(request, stream=True, timeout=None, verify=True, proxies={})


_pools: PerProcess[dict[ssl.SSLContext | None, ConnectionPool]] = PerProcess()


def pool_of(server: str, tls_context: ssl.SSLContext | None, size: int) -> ConnectionPool:
    """The pool of an account's server. If the TLS context has changed, a new pool replaces the old one."""
    pools = _pools.get(server, dict)
    pool = pools.get(tls_context)
    if pool is None:
        pool = pools.setdefault(tls_context, ConnectionPool(tls_context, size))
        for other in [context for context in list(pools) if context is not tls_context]:
            pools.pop(other, None)
    return pool


_contexts: PerProcess[ssl.SSLContext] = PerProcess()
_making_context: PerProcess[threading.Lock] = PerProcess()


def _default_context() -> ssl.SSLContext:
    """Reading the CAs takes some 20 ms of CPU, so one thread does it, and only for a server with TLS."""
    with _making_context.get("lock", threading.Lock):
        # The bundle is named because environment variables can change OpenSSL's default places.
        return _contexts.get("default", lambda: ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH))
