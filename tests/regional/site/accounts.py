from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from enrollment_errors.processors.account import AccountProvider
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.switchio import SwitchioProcessor
from tests.inline.processor import InlineProcessor

from .models import Config, InlineConfig, LittlepayConfig, SwitchioConfig


def secret(name: str) -> str:
    """Reads from the vault, which is a folder here."""
    return (Path(settings.VAULT) / name).read_text()


class RegionalAccounts(AccountProvider):
    kept_for = 0.2

    def get_account(self, name: str) -> Mapping[str, Any]:
        for kind, make in KINDS.items():
            if config := kind._default_manager.filter(name=name).first():
                return make(config)
        raise LookupError(name)

    def get_names(self) -> Iterable[str]:
        for kind in KINDS:
            yield from kind._default_manager.values_list("name", flat=True)


def _account(processor: type, **options: Any) -> dict[str, Any]:
    return {"CLASS": f"{processor.__module__}.{processor.__qualname__}", "OPTIONS": options}


def _littlepay(config: LittlepayConfig) -> dict[str, Any]:
    return _account(
        LittlepayProcessor,
        BASE_URL=secret(f"littlepay-{config.environment}-url"),
        CARD_FORM_URL=secret(f"littlepay-{config.environment}-url"),
        AUDIENCE=config.audience,
        CLIENT_ID=config.client_id,
        CLIENT_SECRET=secret(config.client_secret_name),
    )


def _switchio(config: SwitchioConfig) -> dict[str, Any]:
    shared = f"switchio-{config.environment}"
    return _account(
        SwitchioProcessor,
        TOKENIZATION_URL=secret(f"{shared}-tokenization-url"),
        ENROLLMENT_URL=secret(f"{shared}-enrollment-url"),
        PTO_ID=config.pto_id,
        API_KEY=config.tokenization_api_key,
        API_SECRET=secret(config.tokenization_api_secret_name),
        AUTHORIZATION=secret(f"{shared}-authorization"),
        CLIENT_CERTIFICATE=secret(f"{shared}-client-certificate"),
        PRIVATE_KEY=secret(f"{shared}-private-key"),
        CA_CERTIFICATE=secret(f"{shared}-ca-certificate"),
    )


def _inline(config: InlineConfig) -> dict[str, Any]:
    url = secret(f"inline-{config.environment}-url")
    return _account(
        InlineProcessor,
        BASE_URL=url,
        GATEWAY_URL=url,
        PUBLIC_KEY=config.public_key,
        API_KEY=secret(config.api_key_name),
    )


KINDS: dict[type[Config], Any] = {
    LittlepayConfig: _littlepay,
    SwitchioConfig: _switchio,
    InlineConfig: _inline,
}
