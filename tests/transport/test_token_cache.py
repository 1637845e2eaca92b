"""The API access token: fetched once for everyone, encrypted, and dropped if the processor refuses it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from enrollment_errors import shared_cache
from enrollment_errors.clock import SYSTEM_CLOCK, Clock, Deadline
from enrollment_errors.encryption import encrypt
from enrollment_errors.exceptions import ConnectionFailed, DeadlineExceeded, ReplyIncomplete, StatusError
from enrollment_errors.outcomes import Stage
from enrollment_errors.secret import Secret
from enrollment_errors.transport import Response
from enrollment_errors.transport.token_cache import (
    BETWEEN_RENEWALS,
    DEFAULT_LIFE,
    MARGIN,
    PURPOSE,
    AccessToken,
    TokenCache,
)

from .clocks import FakeClock

OK = Response(200, b"{}")
CREDENTIALS = ("a-client", Secret("a-secret"), "an-audience")


class Processor:
    """Hands out numbered tokens, and refuses those in ``refused``."""

    def __init__(self, clock: Clock, lifetime: float | None = 3600) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.fetches = 0
        self.used: list[str] = []
        self.refused: set[str] = set()
        self.forbidden: set[str] = set()
        self.before_answer: Callable[[], Any] = lambda: None

    def fetch(self) -> AccessToken:
        self.fetches += 1
        number = self.fetches
        self.before_answer()
        expires_at = None if self.lifetime is None else self.clock.time() + self.lifetime
        return AccessToken(Secret(f"token-{number}"), expires_at)

    def call(self, token: Secret) -> Response:
        self.used.append(token.reveal())
        if token.reveal() in self.refused:
            raise StatusError(401, Secret("expired"))
        if token.reveal() in self.forbidden:
            raise StatusError(403, Secret("not for you"))
        return OK


@pytest.fixture
def processor(clock: FakeClock) -> Processor:
    return Processor(clock)


@pytest.fixture
def tokens(clock: FakeClock) -> TokenCache:
    return make_tokens(clock)


def make_tokens(clock: Clock, account: str = "littlepay", url: str = "https://a.test", budget: float = 8) -> TokenCache:
    return TokenCache(account, url, cache="default", deadline=Deadline(budget, clock), clock=clock, place=nullcontext)


def stored() -> list[Any]:
    return [caches["default"].get(key.split(":", 2)[2]) for key in cache._cache]


class TestSharing:
    def test_a_token_is_fetched_once(self, tokens: TokenCache, processor: Processor) -> None:
        for _ in range(3):
            assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        assert processor.used == ["token-1"] * 3

    def test_everybody_uses_it(self, processor: Processor, clock: FakeClock) -> None:
        make_tokens(clock).use(processor.fetch, processor.call, credentials=CREDENTIALS)
        make_tokens(clock).use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 1

    @pytest.mark.parametrize("other", [{"account": "other"}, {"url": "https://b.test"}])
    def test_another_account_or_server_has_its_own(self, tokens, processor, clock, other) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        make_tokens(clock, **other).use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1", "token-2"]

    @pytest.fixture
    def operations_of_all_threads(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """One entry for each cache operation."""
        operations: list[int] = []
        monkeypatch.setattr(
            shared_cache.SharedCache,
            "_ask",
            lambda self, operation, ask=shared_cache.SharedCache._ask: operations.append(1) or ask(self, operation),
        )
        return operations

    def test_a_warm_token_costs_one_read_of_the_cache(self, tokens, processor, operations) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        del operations[:]
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert operations == ["get_many"]

    def test_callers_that_come_at_once_wait_for_one_fetch(self, operations_of_all_threads: list[int]) -> None:
        """Without a lock, 24 callers fetched 24 tokens."""
        processor = Processor(SYSTEM_CLOCK)
        processor.before_answer = lambda: time.sleep(0.3)
        threads = [
            threading.Thread(
                target=make_tokens(SYSTEM_CLOCK).use,
                args=(processor.fetch, processor.call),
                kwargs={"credentials": CREDENTIALS},
            )
            for _ in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert (processor.fetches, len(processor.used)) == (1, 24)
        assert len(operations_of_all_threads) <= 24 * 2 + 5, (
            "those that wait in one process do not all keep asking the cache"
        )


class TestEncryption:
    def test_what_is_kept_shows_nothing(self, tokens: TokenCache, processor: Processor) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        (value,) = stored()
        assert isinstance(value, str)
        assert "token-1" not in value

    def test_another_secret_key_is_as_good_as_no_token(self, tokens: TokenCache, processor: Processor) -> None:
        with override_settings(SECRET_KEY="old"):
            tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        with override_settings(SECRET_KEY="new"):
            tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1", "token-2"]

    @pytest.mark.parametrize("junk", ["", "junk", b"junk", 7, ["x"], {"token": "x"}])
    def test_junk_in_the_cache_is_as_good_as_no_token(self, tokens, processor, junk) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        (key,) = cache._cache
        cache.set(key.split(":", 2)[2], junk)
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 2


class TestExpiry:
    @pytest.mark.parametrize(("lifetime", "margin"), [(3600, 30), (100, 10)])
    def test_a_token_is_replaced_a_little_before_it_expires(
        self, tokens, processor, clock, lifetime: float, margin: float
    ) -> None:
        processor.lifetime = lifetime
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        clock.now += lifetime - margin - 1
        make_tokens(clock).use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 1
        clock.now += 1
        make_tokens(clock).use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 2

    @pytest.mark.parametrize("lifetime", [0, -10, None, float("nan")])
    def test_one_without_a_usable_life_is_shared_for_a_short_one(
        self, tokens, processor, clock, lifetime: float | None
    ) -> None:
        processor.lifetime = lifetime
        for _ in range(2):
            assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        clock.now += DEFAULT_LIFE
        assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        assert processor.used == ["token-1", "token-1", "token-2"]

    @pytest.mark.parametrize("lifetime", [1e18, float("inf")])
    def test_one_without_an_end_is_replaced_every_day(self, tokens, processor, clock, lifetime: float) -> None:
        processor.lifetime = lifetime
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        clock.now += 86_400 - MARGIN - 1
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        clock.now += 1
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1", "token-1", "token-2"]

    @pytest.mark.parametrize("seconds", [0, -1, 86_400 + 60])
    def test_one_that_lives_longer_than_any_is_not_trusted(self, tokens, processor, clock, seconds: float) -> None:
        """A host with a wrong clock may have written it, or a version that allows longer lives."""
        text = json.dumps(["token-of-another-host", clock.now + seconds])
        cache.set(f"enrollment_errors.{tokens.key(CREDENTIALS)}", encrypt(text, purpose=PURPOSE))
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1"]

    @pytest.mark.parametrize("kept", [["token"], ["token", "soon"], [7, 7.0], {}, "token"])
    def test_what_another_version_has_kept_is_as_good_as_no_token(self, tokens, processor, kept: object) -> None:
        text = json.dumps(kept)
        cache.set(f"enrollment_errors.{tokens.key(CREDENTIALS)}", encrypt(text, purpose=PURPOSE))
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1"]


class TestRefusal:
    def test_a_refused_token_is_replaced_and_the_call_made_once_more(self, tokens, processor) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        processor.refused.add("token-1")
        assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        assert processor.used == ["token-1", "token-1", "token-2"]

    def test_a_second_refusal_is_told(self, tokens, processor) -> None:
        processor.refused.update({"token-1", "token-2"})
        with pytest.raises(StatusError) as caught:
            tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert (caught.value.status, caught.value.stage) == (401, None)
        assert caught.value.__context__ is None
        assert processor.used == ["token-1", "token-2"]

    def test_only_the_refused_one_is_dropped(self, tokens, processor) -> None:
        """By the time a slow call is refused, another may already have a good token."""
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        processor.refused.add("token-1")

        def slow_call(token: Secret) -> Response:
            if token.reveal() == "token-1":
                tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
            return processor.call(token)

        assert tokens.use(processor.fetch, slow_call, credentials=CREDENTIALS) is OK
        assert processor.fetches == 2

    def test_a_refused_one_is_gone_even_where_no_other_is_had(self, tokens, processor) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        processor.refused.add("token-1")

        def fail() -> AccessToken:
            raise ConnectionFailed

        with pytest.raises(ConnectionFailed):
            tokens.use(fail, processor.call, credentials=CREDENTIALS)
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1", "token-1", "token-2"]

    @pytest.mark.parametrize("status", [400, 403, 500])
    def test_another_error_is_no_refusal(self, tokens, processor, status: int) -> None:
        def call(token: Secret) -> Response:
            raise StatusError(status, Secret(""))

        with pytest.raises(StatusError):
            tokens.use(processor.fetch, call, credentials=CREDENTIALS)
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 1


class TestForbidden:
    """A token's permissions are set when it is fetched. The processor may have fixed them since it answered 403."""

    def test_a_shared_token_is_replaced_and_the_call_made_once_more(self, tokens, processor) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        processor.forbidden.add("token-1")
        assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        assert processor.used == ["token-1", "token-1", "token-2"]

    def test_one_that_has_just_been_fetched_is_not(self, tokens, processor) -> None:
        processor.forbidden.add("token-1")
        with pytest.raises(StatusError, match="403"):
            tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1"]

    def test_an_account_that_may_not_do_it_costs_one_token_a_minute(self, tokens, processor, clock) -> None:
        """Processors limit how many tokens they hand out."""
        processor.forbidden.update(f"token-{number}" for number in range(100))
        for _ in range(10):
            with pytest.raises(StatusError, match="403"):
                tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 2
        clock.now += BETWEEN_RENEWALS
        with pytest.raises(StatusError, match="403"):
            tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 3

    def test_what_somebody_else_has_fetched_meanwhile_is_tried(self, tokens, processor) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        processor.forbidden.add("token-1")

        def slow_call(token: Secret) -> Response:
            if token.reveal() == "token-1":
                tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
            return processor.call(token)

        assert tokens.use(processor.fetch, slow_call, credentials=CREDENTIALS) is OK
        assert processor.fetches == 2


class TestCredentials:
    @pytest.mark.parametrize(
        "others", [("a-client", "a-secret", "another-audience"), ("a-client", "a-secret"), ("a-clienta-secret", "", "")]
    )
    def test_a_token_belongs_to_those_that_it_was_fetched_with(self, tokens, processor, others) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        tokens.use(processor.fetch, processor.call, credentials=others)
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1", "token-2", "token-1"]

    def test_the_cache_does_not_tell_them(self, tokens, processor) -> None:
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        with override_settings(SECRET_KEY="another"):
            assert tokens.key(CREDENTIALS) not in str(list(cache._cache)), "without the secret key it can be tried out"
        assert tokens.key(CREDENTIALS) in str(list(cache._cache))
        assert "a-secret" not in str(cache._cache)


class TestFetching:
    @pytest.mark.parametrize(
        "error", [ConnectionFailed(), StatusError(401, Secret("")), StatusError(503, Secret("")), ReplyIncomplete()]
    )
    def test_its_failure_is_the_authorizations(self, tokens, processor, error) -> None:
        def fail() -> AccessToken:
            raise error

        with pytest.raises(type(error)) as caught:
            tokens.use(fail, processor.call, credentials=CREDENTIALS)
        assert caught.value.stage is Stage.AUTHORIZATION
        assert processor.used == []

    def test_its_failure_does_not_block_the_next(self, tokens, processor) -> None:
        def fail() -> AccessToken:
            raise ConnectionFailed

        with pytest.raises(ConnectionFailed):
            tokens.use(fail, processor.call, credentials=CREDENTIALS)
        assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK

    def test_nobody_waits_for_one_that_died_longer_than_half_of_what_is_left(self, tokens, processor, clock) -> None:
        cache.add(f"enrollment_errors.{tokens.key(CREDENTIALS)}.lock", clock.now)
        started = clock.now
        assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        assert clock.now - started == pytest.approx(4, abs=0.1)

    def test_nobody_waits_for_one_whose_clock_is_an_hour_ahead(self, tokens, processor, clock) -> None:
        cache.add(f"enrollment_errors.{tokens.key(CREDENTIALS)}.lock", clock.now + 3600, timeout=3609)
        assert tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS) is OK
        assert clock.sleeps == []

    def test_what_another_process_gets_meanwhile_is_used(self, tokens, processor, clock) -> None:
        cache.add(f"enrollment_errors.{tokens.key(CREDENTIALS)}.lock", clock.now)

        def sleep(seconds: float) -> None:
            FakeClock.sleep(clock, seconds)
            if len(clock.sleeps) == 3:
                tokens._fetched(tokens.key(CREDENTIALS), processor.fetch)

        clock.sleep = sleep
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.fetches == 1

    def test_what_another_process_got_just_before_our_turn_is_used(
        self, tokens, processor, clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other process gets it after our last look and before our turn, which comes with ``add``."""
        add = LocMemCache.add

        def add_late(*args: Any, **kwargs: Any) -> bool:
            monkeypatch.undo()
            make_tokens(clock).use(processor.fetch, processor.call, credentials=CREDENTIALS)
            return add(*args, **kwargs)

        monkeypatch.setattr(LocMemCache, "add", add_late)
        tokens.use(processor.fetch, processor.call, credentials=CREDENTIALS)
        assert processor.used == ["token-1", "token-1"]

    def test_no_time_left_is_told_by_the_fetch(self, processor, clock) -> None:
        def fetch() -> AccessToken:
            raise DeadlineExceeded

        with pytest.raises(DeadlineExceeded):
            make_tokens(clock, budget=0).use(fetch, processor.call, credentials=CREDENTIALS)
