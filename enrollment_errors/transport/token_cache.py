"""The API access token of a processor account: one for all riders, processes and hosts, encrypted in Django's cache.

A token belongs to the credentials it was fetched with. Its cache key contains a keyed digest of them, so corrected
credentials take effect on each host as soon as it has them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from urllib.parse import quote

from ..clock import Clock, Deadline
from ..encryption import decrypted_secret, encrypt, keyed_digest
from ..exceptions import ProcessorError, StatusError
from ..glance import Glance
from ..outcomes import Stage
from ..processes import PerProcess
from ..secret import Secret
from ..shared_cache import CLOCKS_APART, LONGEST, CacheDown, SharedCache
from .call import Response

PURPOSE = "api-access-token"
MARGIN = 30.0
"""Seconds before its expiry when a token is retired; at most a tenth of its life."""
DEFAULT_LIFE = 60.0
"""Seconds to keep a token of unknown life, or one that seems to have expired: the clocks may differ. Sharing a token
beyond its life costs no more than a refusal (401)."""
POLL = 0.03
"""Seconds between checks for the token that another process is fetching."""
BETWEEN_RENEWALS = 60.0
"""Seconds between renewals after a 403. Usually the account itself lacks the permission, so a new token would not help,
and processors limit how many tokens they issue."""


@dataclass(frozen=True)
class AccessToken:
    """``expires_at`` is in epoch seconds; ``None`` if the processor does not say."""

    value: Secret
    expires_at: float | None


_locks: PerProcess[threading.Lock] = PerProcess()
_last_keys: PerProcess[dict[str, str]] = PerProcess()
"""By account, the last key for each of its servers."""


def last_keys(account: str) -> Iterable[str]:
    """The cache's keys under which this process last looked for the account's tokens."""
    return tuple(_last_keys.get(account, dict).values())


class TokenCache:
    """``place`` is one of the account's places in the bulkhead: waiting for a token holds a thread as a call does."""

    def __init__(
        self,
        account: str,
        base_url: str,
        *,
        cache: str,
        deadline: Deadline,
        clock: Clock,
        place: Callable[[], AbstractContextManager[None]],
        glance: Glance | None = None,
    ) -> None:
        """``glance`` is as for ``Circuit``."""
        self._account = account
        self._base_url = base_url
        self._cache = SharedCache(cache)
        self._deadline = deadline
        self._longest_lock = deadline.remaining() + 1
        self._clock = clock
        self._place = place
        self._glance = glance or Glance(self._cache, clock, holds_for=0)

    def use(
        self,
        fetch: Callable[[], AccessToken],
        call: Callable[[Secret], Response],
        *,
        credentials: Iterable[str | Secret],
    ) -> Response:
        """Make ``call`` with the token shared for these ``credentials``, which must include everything that decides
        what a token is good for. If no token is shared yet, ``fetch`` gets one.

        If the processor refuses the token (401), only this token is dropped, and ``call`` is made once more. The same
        happens if it forbids the call (403) with a token that was fetched earlier, because the token's permissions may
        have changed since. Errors that ``fetch`` raises get the stage ``AUTHORIZATION``.
        """
        key = self.key(credentials)
        _last_keys.get(self._account, dict)[self._base_url] = key
        token, was_kept = self._token(key, fetch, refused=None)
        try:
            return call(token)
        except StatusError as error:
            if not (error.status == 401 or (error.status == 403 and was_kept and self._is_worth_renewing(key, token))):
                raise
        return call(self._token(key, fetch, refused=token)[0])

    def key(self, credentials: Iterable[str | Secret]) -> str:
        """The token's cache key. Deployments that share a cache may use one account name for different servers."""
        revealed = (text.reveal() if isinstance(text, Secret) else text for text in credentials)
        return f"token.{quote(self._account, safe='')}.{keyed_digest(PURPOSE, self._base_url, *revealed)}"

    def kept(self, key: str, refused: Secret | None = None) -> Secret | None:
        """The shared token, unless there is none or it is the ``refused`` one. Raises ``CacheDown``."""
        return self._usable(self._cache.get(key), refused)

    def _usable(self, kept: object, refused: Secret | None) -> Secret | None:
        token = _unpacked(kept, self._clock.time())
        return None if token == refused else token

    def _is_worth_renewing(self, key: str, token: Secret) -> bool:
        with suppress(CacheDown):
            is_replaced = self.kept(key) != token
            return is_replaced or self._cache.claim(f"{key}.renewal", BETWEEN_RENEWALS, self._clock.time())
        return False

    def _token(self, key: str, fetch: Callable[[], AccessToken], refused: Secret | None) -> tuple[Secret, bool]:
        """The token, and whether it was there already."""
        with suppress(CacheDown):
            token = self._usable(self._glance.get(key), refused)
            if token is not None:
                return token, True
            self._glance.forget()
            with self._place():
                return self._kept_or_fetched_by_one(key, fetch, refused)
        return self._fetched(key, fetch), False

    def _kept_or_fetched_by_one(
        self, key: str, fetch: Callable[[], AccessToken], refused: Secret | None
    ) -> tuple[Secret, bool]:
        """One caller of the whole fleet fetches the token. The others wait for it, and one in each process polls.

        No caller waits longer than half of its remaining time: the one that fetches may have died.
        """
        patience = max(0.0, self._deadline.remaining() / 2)
        until = self._clock.monotonic() + patience
        lock = _locks.get(key, threading.Lock)
        locked = lock.acquire(timeout=patience)
        try:
            while True:
                token = self.kept(key, refused)
                if token is not None:
                    return token, True
                if self._cache.claim(f"{key}.lock", self._longest_lock, self._clock.time()):
                    return self._fetched_alone(key, fetch, refused)
                if self._clock.monotonic() >= until:
                    return self._fetched(key, fetch), False
                self._clock.sleep(POLL)
        finally:
            if locked:
                lock.release()

    def _fetched_alone(self, key: str, fetch: Callable[[], AccessToken], refused: Secret | None) -> tuple[Secret, bool]:
        try:
            token = self.kept(key, refused)  # the caller before us may have fetched it since we looked
            if token is not None:
                return token, True
            self._cache.delete(key)
            return self._fetched(key, fetch), False
        finally:
            with suppress(CacheDown):
                self._cache.delete(f"{key}.lock")

    def _fetched(self, key: str, fetch: Callable[[], AccessToken]) -> Secret:
        try:
            token = fetch()
        except ProcessorError as error:
            error.stage = error.stage or Stage.AUTHORIZATION
            raise
        now = self._clock.time()
        life = _usable_life(token, now)
        seconds = life - min(MARGIN, life / 10)
        with suppress(CacheDown):
            self._cache.set(key, _packed(token, now + seconds), seconds)
        return token.value


def _usable_life(token: AccessToken, now: float) -> float:
    life = 0.0 if token.expires_at is None else token.expires_at - now
    return min(life, LONGEST) if life > 0 else DEFAULT_LIFE


def _packed(token: AccessToken, usable_until: float) -> str:
    return encrypt(json.dumps([token.value.reveal(), usable_until]), purpose=PURPOSE)


def _unpacked(encrypted: object, now: float) -> Secret | None:
    """``None`` also for a value this site has not written (another secret key, another version, a forgery) and for a
    token that seems to live impossibly long."""
    plain = decrypted_secret(encrypted, purpose=PURPOSE) if isinstance(encrypted, str) else None
    if plain is None:
        return None
    match json.loads(plain.reveal()):
        case [str(value), float(usable_until)] if now < usable_until <= now + LONGEST + CLOCKS_APART:
            return Secret(value)
        case _:
            return None
