"""HTTP to one processor account, as processors use it."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass

from ..clock import SYSTEM_CLOCK, Clock, Deadline
from ..exceptions import ProcessorError, StatusError
from ..glance import Glance
from ..secret import Secret
from ..shared_cache import SharedCache
from .bulkhead import place
from .call import Call, Progress, Response
from .circuit import Circuit
from .exchange import exchange
from .pool import pool_of
from .privacy import UpstreamSpan
from .retry import with_retries
from .token_cache import TokenCache

logger = logging.getLogger("enrollment_errors")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Times are in seconds. ``cache`` is the alias of the Django cache that holds the circuit breaker and the token."""

    connect_timeout: float
    read_timeout: float
    attempts: int
    max_calls: int
    max_calls_wait: float
    breaker_failures: int
    breaker_window: float
    breaker_open: float
    cache: str


class ProcessorHttp:
    """The calls of one rider's request to one processor account.

    ``base_url`` is http or https, a host, and an optional path. ``tls_context`` is the account's own, made for these
    calls alone (``None``: the public CAs). Pass the same object every time, because the connection pool belongs to it.

    ``parties`` name those the calls are made for, in terms that mean nothing to others: the rider's session, the card.
    Each counts once toward the circuit. The set is kept, not copied, so you can add parties later.

    ``glance`` is what the request reads of the cache at once, if it reads more than these calls need.

    If you set the attribute ``circuit`` to ``None``, calls are made even if others failed.

    An account with several servers has one instance for each, told apart by ``endpoint``. ``circuit`` names the circuit
    that opens when this server fails; by default, the account's own.
    """

    def __init__(
        self,
        account: str,
        base_url: str,
        *,
        deadline: Deadline,
        limits: Limits,
        tls_context: ssl.SSLContext | None = None,
        parties: set[str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        glance: Glance | None = None,
        endpoint: str = "",
        circuit: str = "",
    ) -> None:
        self.account = account
        self.base_url = base_url
        self.deadline = deadline
        self.limits = limits
        self.tls_context = tls_context
        self.parties: set[str] = set() if parties is None else parties
        self.clock = clock
        self._glance = glance or Glance(SharedCache(limits.cache), clock)
        self._endpoint = endpoint
        self.circuit: Circuit | None = Circuit(
            circuit or account,
            failures=limits.breaker_failures,
            window=limits.breaker_window,
            open_for=limits.breaker_open,
            cache=limits.cache,
            clock=clock,
            glance=self._glance,
        )
        self.tokens = TokenCache(
            account,
            base_url,
            cache=limits.cache,
            deadline=deadline,
            clock=clock,
            place=self._place,
            glance=self._glance,
        )

    def request(
        self,
        method: str,
        route: str,
        *,
        path: Mapping[str, str | Secret] = {},
        query: Mapping[str, str | int | Secret] = {},
        json: object | None = None,
        headers: Mapping[str, str | Secret] = {},
        idempotent: bool,
    ) -> Response:
        """Call ``route``, a template relative to the base URL: ``api/v1/fundingsources/bytoken/{card_token}``.

        Every value of ``path`` is percent-encoded whole; empty, ``.`` and ``..`` raise ``ValueError``. ``path``,
        ``query``, ``json`` and ``headers`` may hold a ``Secret``, which is revealed at the last moment. Only an
        ``idempotent`` call is tried again.

        Raises ``TransportError``, ``StatusError`` for any status but 2xx (redirects are not followed) and
        ``BaseUrlInvalid``, with ``route`` and ``seconds`` set.
        """
        started = self.clock.monotonic()
        try:
            call = Call(
                method=method, base_url=self.base_url, route=route, path=path, query=query, json=json, headers=headers
            )
            with ExitStack() as held:
                return with_retries(
                    lambda: self._attempt(call, held),
                    attempts=self.limits.attempts if idempotent else 1,
                    deadline=self.deadline,
                    clock=self.clock,
                )
        except ProcessorError as error:
            error.route = f"{method} {route}"
            error.seconds = self.clock.monotonic() - started
            raise

    def _attempt(self, call: Call, held: ExitStack) -> Response:
        """``held`` keeps the place between attempts: a pause holds the thread as a call does."""
        self.deadline.check()
        with self._admitted():
            held.enter_context(self._place())
            result = self._exchange(call)
            if isinstance(result, BaseException):
                self._glance.forget()
                raise result
            return result

    def _admitted(self) -> AbstractContextManager[None]:
        return nullcontext() if self.circuit is None else self.circuit.admit(self.deadline.remaining(), self.parties)

    def _place(self) -> AbstractContextManager[None]:
        wait = min(self.limits.max_calls_wait, self.deadline.remaining())
        return place(self.account, places=self.limits.max_calls, wait=wait)

    def _exchange(self, call: Call) -> Response | BaseException:
        started = self.clock.monotonic()
        span = UpstreamSpan(call.label)
        pool = pool_of(f"{self.account}/{self._endpoint}", self.tls_context, self.limits.max_calls)
        progress = Progress(self.deadline, self.limits.connect_timeout, self.limits.read_timeout)
        result = exchange(call, pool, progress, self.clock)
        status = result.status if isinstance(result, (Response, StatusError)) else None
        span.finish(status)
        seconds = self.clock.monotonic() - started
        logger.debug(
            "%s: %s after %.3f s",
            call.label,
            type(result).__name__ if status is None else status,
            seconds,
            extra={"route": call.label, "status": status, "seconds": seconds},
        )
        return result
