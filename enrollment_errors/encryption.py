"""Encrypts data that is kept for a while outside this process, such as in the cache or in the rider's cookies. Also
makes digests, for data that only needs to be recognized again.

It uses Fernet from ``cryptography``. HKDF derives a key for each purpose from Django's ``SECRET_KEY`` and
``SECRET_KEY_FALLBACKS``: text written for the cache cannot be read as a cookie, and rotating the secret key loses
nothing.
"""

from __future__ import annotations

import base64
import json
from functools import cache, lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes

from .secret import Secret


def encrypt(text: str, *, purpose: str) -> str:
    return _fernet(purpose).encrypt(text.encode()).decode()


def decrypt(encrypted: str, *, purpose: str) -> str | None:
    """The text, or ``None`` unless this site wrote it for this purpose, under a key that it still has."""
    try:
        return _fernet(purpose).decrypt(encrypted.encode()).decode()
    except InvalidToken:
        return None


@lru_cache(maxsize=32)
def decrypted_secret(encrypted: str, *, purpose: str) -> Secret | None:
    """Like ``decrypt``, for values that many requests need: this process remembers them as a ``Secret``."""
    text = decrypt(encrypted, purpose=purpose)
    return None if text is None else Secret(text)


def keyed_digest(purpose: str, *texts: str, secret: str | bytes | None = None) -> str:
    """A digest of the texts in this order: 32 hexadecimal digits. Nobody can guess the texts from it without the
    ``SECRET_KEY``. ``secret`` replaces the current key."""
    named = json.dumps(texts)
    return salted_hmac(f"enrollment_errors.{purpose}", named, secret=secret, algorithm="sha256").hexdigest()[:32]


@cache
def _fernet(purpose: str) -> MultiFernet:
    return MultiFernet([_key(secret, purpose) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str | bytes, purpose: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"enrollment_errors.{purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(force_bytes(secret))))


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in ("SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        _fernet.cache_clear()
        decrypted_secret.cache_clear()


setting_changed.connect(_forget)
