"""While the cache is down, calls go on, operators hear about it once, and riders do not wait for it."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator

import pytest
from django.core.cache import caches
from django.test import override_settings

from enrollment_errors import shared_cache
from enrollment_errors.exceptions import StatusError
from enrollment_errors.secret import Secret
from enrollment_errors.shared_cache import REST, CacheDown, SharedCache
from enrollment_errors.transport import AccessToken, ProcessorHttp, Response
from enrollment_errors.transport.circuit import Phase, read_state

from .brittle_cache import BrittleCache
from .conftest import Connect, Serve
from .upstream import answering


@pytest.fixture
def alias() -> Iterator[str]:
    """A separate cache for each test, because a process remembers for a while which caches are down."""
    alias = f"brittle-{uuid.uuid4().hex}"
    backend = f"{BrittleCache.__module__}.BrittleCache"
    with override_settings(CACHES={"default": {"BACKEND": backend}, alias: {"BACKEND": backend, "LOCATION": alias}}):
        BrittleCache.asked = 0
        yield alias
    BrittleCache.is_down = False


@pytest.fixture
def shared(alias: str) -> SharedCache:
    return SharedCache(alias)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock comes ``REST`` seconds after the last."""
    now = time.monotonic()
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(shared_cache.time, "monotonic", lambda: now + next(ticks) * REST)


class TestSharedCache:
    def test_what_is_set_is_there(self, shared: SharedCache) -> None:
        shared.set("a", 1, 60)
        shared.set("b", 2, None)
        assert shared.get("a") == 1
        assert shared.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        shared.delete("a")
        assert shared.get("a") is None

    def test_what_is_there_is_not_added(self, shared: SharedCache) -> None:
        assert shared.add("a", 1, 60)
        assert not shared.add("a", 2, 60)
        assert shared.get("a") == 1

    def test_less_than_a_second_is_kept_for_one(self, shared: SharedCache) -> None:
        """Redis would round 0.4 s down to no time at all."""
        shared.set("a", 1, 0.4)
        shared.add("b", 1, 0.4)
        assert shared.get_many(["a", "b"]) == {"a": 1, "b": 1}

    def test_its_keys_are_its_own(self, shared: SharedCache, alias: str) -> None:
        caches[alias].set("a", "the site's", 60)
        shared.set("a", "ours", 60)
        assert caches[alias].get("a") == "the site's"

    def test_a_failure_is_told_as_one_thing(self, shared: SharedCache) -> None:
        BrittleCache.is_down = True
        with pytest.raises(CacheDown) as caught:
            shared.get("a")
        assert caught.value.__context__ is None

    def test_an_alias_that_is_not_configured_is_a_failure_too(self) -> None:
        with pytest.raises(CacheDown):
            SharedCache("nowhere").get("a")

    def test_an_outage_is_logged_once_and_its_end_too(
        self, shared: SharedCache, alias: str, caplog: pytest.LogCaptureFixture, later: None
    ) -> None:
        with caplog.at_level(logging.INFO, "enrollment_errors"):
            for BrittleCache.is_down in (False, True, True, True, False, False, True):
                try_to_get(shared)
        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "ERROR"]
        assert alias in caplog.text
        assert "ConnectionError" in caplog.text
        assert "password-1" not in caplog.text

    def test_one_that_failed_is_left_alone_for_a_while(self, shared: SharedCache) -> None:
        BrittleCache.is_down = True
        for _ in range(5):
            try_to_get(shared)
        assert BrittleCache.asked == 1

    def test_then_it_is_asked_again(self, shared: SharedCache, later: None) -> None:
        BrittleCache.is_down = True
        try_to_get(shared)
        BrittleCache.is_down = False
        shared.set("a", 1, 60)
        assert shared.get("a") == 1


def try_to_get(shared: SharedCache) -> None:
    try:
        shared.get("a")
    except CacheDown:
        return


class TestCallsGoOn:
    @pytest.fixture(autouse=True)
    def down(self, alias: str) -> None:
        BrittleCache.is_down = True

    def test_without_the_circuit_breaker(self, serve: Serve, connect: Connect, alias: str, account: str) -> None:
        server = serve(answering(503))
        http = connect(server.url, cache=alias, breaker_failures=2)
        for _ in range(5):
            with pytest.raises(StatusError):
                http.request("GET", "x", idempotent=False)
        assert len(server.requests) == 5
        assert read_state(account, alias, open_for=10).phase is Phase.UNKNOWN

    def test_without_the_shared_token(self, serve: Serve, connect: Connect, alias: str) -> None:
        http = connect(serve().url, cache=alias)
        fetched = []
        for number in range(2):
            use_token(http, fetched)
            assert len(fetched) == number + 1

    def test_with_a_refused_token(self, serve: Serve, connect: Connect, alias: str) -> None:
        http = connect(serve(answering(401)).url, cache=alias)
        fetched: list[int] = []
        with pytest.raises(StatusError, match="401"):
            use_token(http, fetched)
        assert len(fetched) == 2

    def test_where_it_fails_during_the_fetch(self, serve: Serve, connect: Connect, alias: str) -> None:
        BrittleCache.is_down = False
        http = connect(serve().url, cache=alias)
        fetched: list[int] = []

        def fetch() -> AccessToken:
            BrittleCache.is_down = True
            fetched.append(1)
            return AccessToken(Secret("token"), time.time() + 60)

        response = http.tokens.use(fetch, lambda token: http.request("GET", "x", idempotent=False), credentials=())
        assert response.status == 200
        assert fetched == [1]

    def test_where_it_fails_before_a_call_is_forbidden(self, serve: Serve, connect: Connect, alias: str) -> None:
        BrittleCache.is_down = False
        server = serve()
        http = connect(server.url, cache=alias)
        fetched: list[int] = []
        use_token(http, fetched)

        def forbidden(token: Secret) -> Response:
            BrittleCache.is_down = True
            raise StatusError(403, Secret(""))

        with pytest.raises(StatusError, match="403"):
            http.tokens.use(lambda: pytest.fail("a token was fetched"), forbidden, credentials=())
        assert fetched == [1]


def use_token(http: ProcessorHttp, fetched: list[int]) -> Response:
    def fetch() -> AccessToken:
        fetched.append(1)
        return AccessToken(Secret("token"), time.time() + 3600)

    return http.tokens.use(fetch, lambda token: http.request("GET", "x", idempotent=False), credentials=())
