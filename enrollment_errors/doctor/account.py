"""Probes an account at the processor: credentials, audience, card tokenization, concession groups.

No one is enrolled, and riders notice nothing: the calls have their own circuit and a token that is not shared. The
doctor also tries the token that riders share, but never changes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from .. import conf
from ..classification import UNEXPECTED, classify
from ..clock import SYSTEM_CLOCK, Deadline
from ..exceptions import ProcessorError, StatusError
from ..linking import at
from ..opening import limits
from ..outcomes import Stage
from ..processors.account import Account
from ..processors.base import Processor
from ..processors.types import Endpoint, TokenizationRequest
from ..secret import Secret
from ..shared_cache import CacheDown
from ..transport import AccessToken, Response
from ..transport.token_cache import TokenCache
from .diagnoses import Trouble

_SHOWN = 8
_RETURN_URL = "https://site.invalid/"
_ASKED = TokenizationRequest(language="en", state="doctor")


def health(account: Account) -> str:
    with _diagnosing(account):
        try:
            _opened(account).check_health()
        except NotImplementedError:
            return "not asked: the processor has no call for it"
    return "the processor answers"


def tokenization(account: Account) -> str:
    """Credentials, audience and card tokenization: everything that a rider's first request needs."""
    if not account.processor.card_form(account.options, _ASKED).needs_access:
        return "not asked: the card form needs none"
    with _diagnosing(account), at(Stage.TOKENIZATION):
        _opened(account).request_tokenization(_RETURN_URL, _ASKED)
    return "credentials, audience and card tokenization are accepted"


def shared_token(account: Account) -> str:
    """Even with correct credentials, the processor may refuse the token that riders share."""
    if not account.processor.card_form(account.options, _ASKED).needs_access:
        return "not asked: the card form needs no access"
    settings = conf.get_settings()
    deadline = Deadline(settings.BUDGET)
    shared: list[_SharedToken] = []

    def tokens_of(endpoint: Endpoint) -> TokenCache:
        shared.append(
            _SharedToken(
                account.name,
                endpoint.base_url,
                cache=settings.CACHE,
                deadline=deadline,
                clock=SYSTEM_CLOCK,
                place=nullcontext,
            )
        )
        return shared[-1]

    try:
        with _diagnosing(account), at(Stage.TOKENIZATION):
            _opened(account, tokens_of).request_tokenization(_RETURN_URL, _ASKED)
    except (_NothingShared, CacheDown):
        return "none is shared at the moment"
    is_needed = any(tokens.is_needed for tokens in shared)
    return "accepted" if is_needed else "none: the processor's calls need no access token"


class Groups:
    """The concession groups of one account: their list, fetched once, and a check of each."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._there: dict[str, str] | None = None

    def listed(self, wanted: Collection[str]) -> str:
        with _diagnosing(self._account), at(Stage.GROUPS):
            found = _opened(self._account).find_groups()
            self._there = None if found is None else _with_labels(found)
        if self._there is None:
            return "not asked: the processor has no way to list them"
        if not wanted:
            raise Trouble("groups_not_checked", self._said())
        return self._said()

    def group(self, group_id: str) -> str:
        """Whether it exists and, if the processor can tell, whether its riders get a reduced fare. Call ``listed``
        first."""
        if self._there is not None and group_id not in self._there:
            raise Trouble("group_unknown", f"{group_id}; {self._said()}")
        named = self._named(group_id)
        with _diagnosing(self._account), at(Stage.GROUPS):
            try:
                products = _opened(self._account).find_products(group_id)
            except NotImplementedError:
                return named
            except StatusError as error:
                if error.status not in (401, 403, 404, 405):
                    raise
                raise Trouble("products_not_shown", f"{named}: {error.route}: {error}") from error
        if active := [name for name, is_active in products.items() if is_active]:
            return f"{named}: {active[0]} is active"
        found = f"not active: {', '.join(products)}" if products else "no product"
        raise Trouble("group_without_product", f"{named}: {found}")

    def _said(self) -> str:
        there = [self._named(group_id) for group_id in self._there or ()]
        listed = ", ".join(there[:_SHOWN]) + (", …" if len(there) > _SHOWN else "")
        return f"the account has {listed or 'none'}"

    def _named(self, group_id: str) -> str:
        """The group with its label, so a person can see that it is the wrong one."""
        label = (self._there or {}).get(group_id)
        return f"{group_id} ({label})" if label and label != group_id else group_id


def _with_labels(found: Iterable[str]) -> dict[str, str]:
    labels = found if isinstance(found, Mapping) else dict.fromkeys(found, "")
    return dict(sorted(labels.items()))


class _FreshTokens(TokenCache):
    """A new token for each probe: a cached one that still works says nothing about the credentials."""

    def __init__(self) -> None:
        self._fresh: AccessToken | None = None

    def use(
        self,
        fetch: Callable[[], AccessToken],
        call: Callable[[Secret], Response],
        *,
        credentials: Iterable[str | Secret],
    ) -> Response:
        if self._fresh is None:
            with at(Stage.AUTHORIZATION):
                self._fresh = fetch()
        return call(self._fresh.value)


class _NothingShared(Exception):
    pass


class _SharedToken(TokenCache):
    """The token that riders share. If it is refused, it is neither replaced nor dropped."""

    is_needed = False

    def use(
        self,
        fetch: Callable[[], AccessToken],
        call: Callable[[Secret], Response],
        *,
        credentials: Iterable[str | Secret],
    ) -> Response:
        self.is_needed = True
        token = self.kept(self.key(credentials))
        if token is None:
            raise _NothingShared
        try:
            return call(token)
        except StatusError as error:
            if error.status not in (401, 403):
                raise
            raise Trouble("shared_token_refused", f"{error.route}: {error}") from error


def _opened(account: Account, tokens_of: Callable[[Endpoint], TokenCache] | None = None) -> Processor:
    settings = conf.get_settings()
    processor = account.open(
        deadline=Deadline(settings.BUDGET),
        limits=replace(limits(settings), attempts=1),
        called=f"doctor.{uuid.uuid4().hex}",
    )
    for name, http in processor.http_to.items():
        http.tokens = tokens_of(account.endpoints[name]) if tokens_of else _FreshTokens()
    return processor


@contextmanager
def _diagnosing(account: Account) -> Iterator[None]:
    try:
        yield
    except ProcessorError as error:
        raise Trouble(_diagnosis(error, account.processor.name), f"{error.route or 'no call'}: {error}") from error


def _diagnosis(error: ProcessorError, processor: str) -> str:
    """A code of the catalogue, or the doctor's own diagnosis if the step says more about a refusal."""
    if isinstance(error, StatusError):
        if error.status in (404, 405):
            return "api_not_found"
        if refused := _REFUSED.get((error.stage, error.status)):
            return refused
    code = classify(error, processor=processor, stage=error.stage).code
    return "probe_failed" if code == UNEXPECTED.code else code


_REFUSED: dict[tuple[Stage | None, int], str] = {
    (Stage.AUTHORIZATION, 403): "audience_refused",
    (Stage.TOKENIZATION, 401): "tokenization_refused",
    (Stage.TOKENIZATION, 403): "tokenization_refused",
    (Stage.GROUPS, 401): "groups_refused",
    (Stage.GROUPS, 403): "groups_refused",
}
