"""Turns the failures of the libraries below into our own exceptions, without their secrets.

Exceptions of requests, urllib3 and http.client carry URLs and headers in their text, their arguments and the local
variables of their frames. None of that is passed on: not as text, ``__cause__``, ``__context__`` or traceback.
"""

from __future__ import annotations

import ssl

import requests
import urllib3

from ..exceptions import (
    BaseUrlInvalid,
    CertificateExpired,
    CertificateNotValidYet,
    CertificateOfAnotherHost,
    CertificateUntrusted,
    ConnectionFailed,
    ProcessorError,
    ReplyBroken,
    TimedOut,
    TlsFailed,
)

# OpenSSL's X509_V_ERR_ codes; any other means that no trusted CA signed the certificate.
_CERTIFICATES: dict[int, type[TlsFailed]] = {
    9: CertificateNotValidYet,
    10: CertificateExpired,
    62: CertificateOfAnotherHost,
    64: CertificateOfAnotherHost,
}


def failed_handshake(error: ssl.SSLError) -> TlsFailed:
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _CERTIFICATES.get(error.verify_code, CertificateUntrusted)
        return kind(f"TLS handshake: {error.verify_message}")
    return TlsFailed(f"TLS handshake: {error.reason or type(error).__name__}")


def cleaned(error: BaseException, *, sent: bool) -> BaseException:
    """The exception to raise in place of ``error``, from a frame that holds no secret.

    ``sent``: part of the request may have left.
    """
    failure = _translated(error, sent)
    failure.__traceback__ = failure.__cause__ = failure.__context__ = None
    return failure


def _translated(error: BaseException, sent: bool) -> BaseException:
    if isinstance(error, ProcessorError) or not isinstance(error, Exception):
        return error  # our own, or an exit or an interrupt, which must stay what it is
    for kind, failure in _KINDS:
        if isinstance(error, kind):
            return failure()
    unexpected = ProcessorError(f"{type(error).__name__} in {_place(error)}")
    unexpected.may_have_taken_effect = sent
    return unexpected


_KINDS = (
    (requests.ConnectTimeout, lambda: TimedOut("no connection in time")),
    (requests.Timeout, lambda: TimedOut("no answer within the read timeout", may_have_taken_effect=True)),
    (requests.exceptions.SSLError, lambda: TlsFailed("TLS failed", may_have_taken_effect=True)),
    (
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            urllib3.exceptions.LocationValueError,
        ),
        lambda: BaseUrlInvalid("the base URL cannot be called"),
    ),
    (
        (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError),
        lambda: ReplyBroken("a body that cannot be decoded"),
    ),
    (
        (requests.RequestException, urllib3.exceptions.HTTPError, OSError),
        lambda: ConnectionFailed(
            "the connection was cut before the whole answer was there", may_have_taken_effect=True
        ),
    ),
)


def _place(error: Exception) -> str:
    """Where an unexpected exception comes from. Its text may hold a secret; this cannot."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown place" if trace is None else f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
