"""The API access token of a processor account: one for all riders, processes and hosts, encrypted in Django's cache."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from urllib.parse import quote

from ..encryption import decrypt, encrypt
from ..exceptions import ProcessorError, StatusError
from ..outcomes import Stage
from ..redaction import Secret
from .clock import Clock
from .deadline import Deadline
from .per_process import PerProcess
from .response import Response
from .shared_cache import CacheDown, SharedCache

PURPOSE = "api-access-token"
MARGIN = 30.0
"""Seconds before its expiry at which a token is not used any more; at most a tenth of its life."""
POLL = 0.03
"""Seconds between two looks for the token that another process is fetching."""


@dataclass(frozen=True)
class AccessToken:
    """``expires_at`` is epoch seconds."""

    value: Secret
    expires_at: float


_locks: PerProcess[threading.Lock] = PerProcess()


class TokenCache:
    """``place`` is one of the account's places in the bulkhead: waiting for a token holds a thread like a call does."""

    def __init__(
        self,
        account: str,
        base_url: str,
        *,
        cache: str,
        deadline: Deadline,
        clock: Clock,
        place: Callable[[], AbstractContextManager[None]],
    ) -> None:
        # Two deployments that share a cache may use one account name for different servers.
        server = hashlib.sha256(base_url.encode()).hexdigest()[:12]
        self._key = f"token.{quote(account, safe='')}.{server}"
        self._lock_key = f"{self._key}.lock"
        self._cache = SharedCache(cache)
        self._deadline = deadline
        self._clock = clock
        self._place = place

    def use(self, fetch: Callable[[], AccessToken], call: Callable[[Secret], Response]) -> Response:
        """``call`` with the shared token, which ``fetch`` gets where there is none yet.

        Where the processor refuses the token (401), this token and no other is dropped, and ``call`` is made once more.
        What ``fetch`` raises has the stage ``AUTHORIZATION``.
        """
        token = self._token(fetch, refused=None)
        try:
            return call(token)
        except StatusError as error:
            if error.status != 401:
                raise
        return call(self._token(fetch, refused=token))

    def _token(self, fetch: Callable[[], AccessToken], refused: Secret | None) -> Secret:
        with suppress(CacheDown):
            token = self._kept(refused)
            if token is not None:
                return token
            with self._place():
                return self._kept_or_fetched_by_one(fetch, refused)
        return self._fetched(fetch)

    def _kept(self, refused: Secret | None) -> Secret | None:
        token = _unpacked(self._cache.get(self._key), self._clock.time())
        return None if token == refused else token

    def _kept_or_fetched_by_one(self, fetch: Callable[[], AccessToken], refused: Secret | None) -> Secret:
        """One caller of the whole fleet fetches; the others wait for what it gets, one of each process looking for it.

        Nobody waits for longer than half of what is left of its time: the one that fetches may have died.
        """
        patience = max(0.0, self._deadline.remaining() / 2)
        until = self._clock.monotonic() + patience
        lock = _locks.get(self._key, threading.Lock)
        locked = lock.acquire(timeout=patience)
        try:
            while True:
                token = self._kept(refused)
                if token is not None:
                    return token
                if self._cache.add(self._lock_key, 1, seconds=self._deadline.remaining() + 1):
                    return self._fetched_alone(fetch, refused)
                if self._clock.monotonic() >= until:
                    return self._fetched(fetch)
                self._clock.sleep(POLL)
        finally:
            if locked:
                lock.release()

    def _fetched_alone(self, fetch: Callable[[], AccessToken], refused: Secret | None) -> Secret:
        try:
            token = self._kept(refused)  # the one before us may have got it since we looked
            if token is not None:
                return token
            self._cache.delete(self._key)
            return self._fetched(fetch)
        finally:
            with suppress(CacheDown):
                self._cache.delete(self._lock_key)

    def _fetched(self, fetch: Callable[[], AccessToken]) -> Secret:
        try:
            token = fetch()
        except ProcessorError as error:
            error.stage = error.stage or Stage.AUTHORIZATION
            raise
        life = token.expires_at - self._clock.time()
        seconds = life - min(MARGIN, life / 10)
        if seconds > 0:
            with suppress(CacheDown):
                self._cache.set(self._key, _packed(token, self._clock.time() + seconds), seconds)
        return token.value


def _packed(token: AccessToken, usable_until: float) -> str:
    return encrypt(json.dumps([token.value.reveal(), usable_until]), purpose=PURPOSE)


def _unpacked(encrypted: object, now: float) -> Secret | None:
    """``None`` too for what this site has not written: another secret key, another version, a forgery."""
    plain = decrypt(encrypted, purpose=PURPOSE) if isinstance(encrypted, str) else None
    if plain is None:
        return None
    value, usable_until = json.loads(plain)
    return Secret(value) if now < usable_until else None
