"""Sites to examine: processors that trust the tests' authority, adapters that list enrollments, and broken parts."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.core.cache.backends.locmem import LocMemCache

from enrollment_errors.adapter import Enrollment
from enrollment_errors.exceptions import ProcessorError
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import (
    BASE_URL,
    Access,
    CardForm,
    Endpoint,
    Option,
    Tokenization,
    TokenizationRequest,
)
from enrollment_errors.secret import Secret
from tests.site import AGENCY, TestAdapter


class TrustingProcessor(LittlepayProcessor):
    context: ClassVar[ssl.SSLContext | None] = None

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        return {"api": Endpoint(base_url=options["BASE_URL"], tls_context=cls.context)}


class RedirectProcessor(LittlepayProcessor):
    """Has neither a card form nor a way to list groups."""

    card_form = Processor.card_form

    find_groups = Processor.find_groups


class KeyedProcessor(LittlepayProcessor):
    """Its options have other names than Littlepay's."""

    account_options = (BASE_URL, Option(name="API_KEY", help_text="From the processor.", is_secret=True))

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        return []


class TokenlessProcessor(LittlepayProcessor):
    """Needs no API token, because it signs its calls, for example."""

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Tokenization:
        return Access(access_token=Secret("an-access"), expires_at=4e9)


class AccesslessProcessor(LittlepayProcessor):
    """Its card form needs nothing from the server."""

    @classmethod
    def card_form(cls, options: Mapping[str, Any], asked: TokenizationRequest) -> CardForm:
        return replace(super().card_form(options, asked), needs_access=False)


class TwoServersProcessor(LittlepayProcessor):
    other: ClassVar[str] = ""

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        return {"api": Endpoint(base_url=options["BASE_URL"]), "other": Endpoint(base_url=cls.other)}


class FailingProcessor(LittlepayProcessor):
    def find_groups(self) -> Iterable[str] | None:
        raise LookupError("a bug, with a secret in its text")


class RefusingProcessor(LittlepayProcessor):
    refusal: ClassVar[ProcessorError]

    def find_groups(self) -> Iterable[str] | None:
        raise self.refusal


def _enrollment(processor: str, group_id: str) -> Enrollment:
    return Enrollment(agency=AGENCY, account=processor, group_id=group_id, flow="senior", verifier="login.gov")


class TellingAdapter(TestAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        return [_enrollment("littlepay", "group-seniors"), _enrollment("littlepay", "group-veterans")]


class WrongGroupAdapter(TestAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        return [_enrollment("littlepay", "group-students")]


class WrongAccountAdapter(TestAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        return [_enrollment("littlepoy", "group-seniors")]


class FailingAdapter(TestAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        raise LookupError("the site's own words")


class ForgetfulCache(LocMemCache):
    """Accepts everything but keeps nothing, like a memcached that is too small."""

    def set(self, *args: Any, **kwargs: Any) -> None:
        pass
