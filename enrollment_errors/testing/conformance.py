"""What every processor class must do, as tests for a processor's author to inherit.

::

    class TestOurProcessor(ProcessorConformance):
        @pytest.fixture
        def backend(self):
            with OurFakeServer() as server:
                yield server

The server (or fake) behind the processor is a ``Backend``: it arranges what the tests need and reports the results.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

import pytest

from ..clock import Deadline
from ..exceptions import DeadlineExceeded, ExpiryNotClearable, ProcessorError, StatusError, TransportError
from ..linking import has_unknown_words
from ..processors.account import Account
from ..processors.base import Processor
from ..processors.types import Access, CardFormKind, FundingSource, Link, Redirect, TokenizationRequest
from ..secret import Secret
from ..transport import Limits
from .private_cache import add_private_cache

RETURN_URL = "https://site.example/enrollment/?returned"
ASKED = TokenizationRequest(language="en", card_schemes=("visa", "mastercard"), state="a-state")


class Backend(Protocol):
    """The server or fake behind a processor in these tests.

    ``group_id`` is one of its concession groups. ``secrets`` are texts that must never be shown: credentials, and the
    card tokens that were added.
    """

    processor: type[Processor]
    options: dict[str, Any]
    group_id: str
    secrets: list[str]

    def add_card(self) -> Secret:
        """Add a card that the processor knows. Returns its card token."""

    def put_link(self, card_token: Secret, expires_at: datetime | None) -> None:
        """Put the card into the group, before the test acts."""

    def expiry_of(self, card_token: Secret) -> datetime | None:
        """The expiry of the card's link. Raises ``LookupError`` if the card is not in the group."""

    def answer(self, status: int, body: str) -> None:
        """Give this answer to every request from now on, except for an API access token."""

    def go_down(self) -> None:
        """Stop answering from now on."""

    def count_calls(self) -> int:
        """How many requests have arrived."""


def at(days: int) -> datetime:
    """In whole seconds, as in the protocols."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


class ProcessorConformance:
    """Inherit it, and define the fixture ``backend``, a ``Backend``."""

    @pytest.fixture
    def processor(self, backend: Backend, settings: Any) -> Processor:
        limits = Limits(
            connect_timeout=2,
            read_timeout=2,
            attempts=1,
            max_calls=4,
            max_calls_wait=0.1,
            breaker_failures=100,
            breaker_window=30,
            breaker_open=10,
            cache=add_private_cache(settings),
        )
        kind, options = backend.processor, backend.options
        assert kind.check_options(options) == []
        account = Account(name="conformance", processor=kind, options=options, endpoints=kind.endpoints(options))
        return account.open(deadline=Deadline(5), limits=limits)

    @pytest.fixture
    def card_token(self, backend: Backend) -> Secret:
        return backend.add_card()

    @pytest.fixture
    def card(self, processor: Processor, card_token: Secret) -> FundingSource:
        return processor.find_funding_source(card_token)

    def test_it_has_a_name_for_rules_and_events(self, backend: Backend) -> None:
        assert backend.processor.name.isidentifier()

    def test_it_says_what_is_missing_in_its_options(self, backend: Backend) -> None:
        problems = backend.processor.check_options({})
        assert problems
        assert all(isinstance(problem, str) for problem in problems)

    def test_it_says_of_each_option_what_it_is(self, backend: Backend) -> None:
        options = backend.processor.account_options
        assert len({option.name for option in options}) == len(options)
        assert not [option.name for option in options if not option.help_text]

    def test_it_shows_no_secret_option_in_what_it_says_of_it(self, backend: Backend) -> None:
        for option in backend.processor.account_options:
            wrong = {**backend.options, option.name: ["a-secret"]}
            assert not [problem for problem in backend.processor.check_options(wrong) if "a-secret" in problem]

    def test_it_has_at_least_one_endpoint(self, backend: Backend) -> None:
        endpoints = backend.processor.endpoints(backend.options)
        assert endpoints
        assert all(endpoint.base_url.startswith(("https://", "http://")) for endpoint in endpoints.values())

    def test_its_card_form_is_data_that_everybody_may_read(self, backend: Backend) -> None:
        form = backend.processor.card_form(backend.options, ASKED)
        assert form.adapter.endswith(".js")
        data = json.dumps([form.script, dict(form.script_attributes), dict(form.data)])
        assert not [secret for secret in backend.secrets if secret in data]

    def test_it_has_the_same_card_form_whoever_asks(self, backend: Backend) -> None:
        asked = [ASKED, replace(ASKED, language="es-mx", card_schemes=()), replace(ASKED, is_in_person=True)]
        forms = [backend.processor.card_form(backend.options, each) for each in asked]
        assert len({(form.kind, form.adapter, form.script, form.needs_access) for form in forms}) == 1

    def test_it_gives_access_to_card_tokenization(self, processor: Processor) -> None:
        form = processor.card_form(processor.options, ASKED)
        if not form.needs_access:
            return
        tokenization = processor.request_tokenization(RETURN_URL, ASKED)
        assert tokenization.expires_at >= time.time() - 5
        if form.kind is CardFormKind.REDIRECT:
            assert isinstance(tokenization, Redirect), "a redirect flow must return a Redirect"
            assert tokenization.handle.reveal()
            assert tokenization.url.startswith(("https://", "http://"))
            assert processor.is_still_good(tokenization)
        else:
            assert isinstance(tokenization, Access), "a card form on the page must return an Access"
            assert tokenization.access_token.reveal()

    def test_it_finds_the_funding_source_of_a_card_token(self, card: FundingSource) -> None:
        assert card.id

    def test_it_links_a_card_without_an_expiry(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        processor.link(card, backend.group_id, None)
        assert backend.expiry_of(card_token) is None

    def test_it_links_a_card_until_an_expiry(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        expires_at = at(365)
        processor.link(card, backend.group_id, expires_at)
        assert backend.expiry_of(card_token) == expires_at

    def test_it_says_409_in_known_words_where_the_card_is_linked_already_or_overwrites(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        backend.put_link(card_token, None)
        expires_at = at(365)
        if processor.overwrites_links:
            processor.link(card, backend.group_id, expires_at)
            assert backend.expiry_of(card_token) == expires_at
            return
        with pytest.raises(StatusError) as conflict:
            processor.link(card, backend.group_id, expires_at)
        assert conflict.value.status == 409
        assert not has_unknown_words(conflict.value, processor.link_conflict_wordings)
        assert backend.expiry_of(card_token) is None

    def test_it_does_not_find_a_link_that_is_not_there(self, processor: Processor, backend: Backend, card: Any) -> None:
        assert processor.find_link(card, backend.group_id) is None

    @pytest.mark.parametrize("days", [None, 30])
    def test_it_finds_a_link_with_its_expiry(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret, days: int | None
    ) -> None:
        expires_at = None if days is None else at(days)
        backend.put_link(card_token, expires_at)
        assert processor.find_link(card, backend.group_id) == Link(group_id=backend.group_id, expires_at=expires_at)

    def test_it_changes_the_expiry_of_a_link(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        backend.put_link(card_token, at(-1))
        expires_at = at(365)
        processor.change_expiry(card, backend.group_id, expires_at)
        assert backend.expiry_of(card_token) == expires_at

    def test_it_clears_an_expiry_or_says_before_any_call_that_it_cannot(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        expires_at = at(30)
        backend.put_link(card_token, expires_at)
        before = backend.count_calls()
        try:
            processor.change_expiry(card, backend.group_id, None)
        except ExpiryNotClearable:
            assert backend.count_calls() == before
            assert backend.expiry_of(card_token) == expires_at
        else:
            assert backend.expiry_of(card_token) is None

    def test_it_takes_a_card_out_of_the_group_or_says_before_any_call_that_it_cannot(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        backend.put_link(card_token, None)
        before = backend.count_calls()
        if not _can_unlink(processor):
            with pytest.raises(NotImplementedError):
                processor.unlink(card, backend.group_id)
            assert backend.count_calls() == before
            return
        processor.unlink(card, backend.group_id)
        with pytest.raises(LookupError):
            backend.expiry_of(card_token)

    def test_it_says_404_or_nothing_where_the_card_to_take_out_is_not_in_the_group(
        self, processor: Processor, backend: Backend, card: Any
    ) -> None:
        if _can_unlink(processor):
            said: int | None = None
            try:
                processor.unlink(card, backend.group_id)
            except StatusError as error:
                said = error.status
            assert said in (None, 404)

    @pytest.mark.parametrize("status", [400, 404, 500, 503])
    def test_it_raises_the_status_that_was_answered(
        self, processor: Processor, backend: Backend, card: Any, status: int
    ) -> None:
        backend.answer(status, "<html>no</html>")
        for call in _calls(processor, card, backend):
            with pytest.raises(StatusError) as error:
                call()
            assert error.value.status == status

    def test_it_raises_a_processor_error_for_what_it_cannot_read(
        self, processor: Processor, backend: Backend, card: Any
    ) -> None:
        backend.answer(200, "<html>a gateway's page</html>")
        for call in _calls(processor, card, backend):
            with pytest.raises(ProcessorError):
                call()

    def test_it_raises_a_transport_error_where_nobody_answers(
        self, processor: Processor, backend: Backend, card: Any
    ) -> None:
        backend.go_down()
        for call in _calls(processor, card, backend):
            with pytest.raises(TransportError):
                call()

    def test_it_calls_a_link_once_however_it_fails(self, processor: Processor, backend: Backend, card: Any) -> None:
        backend.answer(503, "")
        before = backend.count_calls()
        with pytest.raises(StatusError):
            processor.link(card, backend.group_id, None)
        assert backend.count_calls() == before + 1

    def test_it_makes_no_call_after_the_deadline(self, backend: Backend, processor: Processor, card: Any) -> None:
        for http in processor.http_to.values():
            http.deadline = Deadline(0)
        before = backend.count_calls()
        for call in _calls(processor, card, backend):
            with pytest.raises(DeadlineExceeded):
                call()
        assert backend.count_calls() == before

    def test_it_shows_no_secret_in_what_it_raises_and_returns(
        self, processor: Processor, backend: Backend, card: Any, card_token: Secret
    ) -> None:
        shown = [repr(card)]
        if processor.card_form(processor.options, ASKED).needs_access:
            shown.append(repr(processor.request_tokenization(RETURN_URL, ASKED)))
        backend.answer(400, "no")
        for call in (lambda: processor.find_funding_source(card_token), *_calls(processor, card, backend)):
            try:
                call()
            except ProcessorError as error:
                shown.append(f"{error!r} {error} {error.route}")
        assert not [secret for secret in backend.secrets if any(secret in text for text in shown)]


def _calls(processor: Processor, card: FundingSource, backend: Backend) -> list[Any]:
    """A rider's requests, except for looking up the card, which some processors do without a call."""
    needs_access = processor.card_form(processor.options, ASKED).needs_access
    return [
        *([lambda: processor.request_tokenization(RETURN_URL, ASKED)] if needs_access else []),
        lambda: processor.link(card, backend.group_id, None),
        lambda: processor.find_link(card, backend.group_id),
        lambda: processor.change_expiry(card, backend.group_id, at(30)),
        *([lambda: processor.unlink(card, backend.group_id)] if _can_unlink(processor) else []),
    ]


def _can_unlink(processor: Processor) -> bool:
    return type(processor).unlink is not Processor.unlink
