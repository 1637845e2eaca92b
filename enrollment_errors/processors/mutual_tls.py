"""Mutual TLS from PEM texts, as a vault or a form has them."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def mutual_tls_context(certificate: str, private_key: str, authority: str) -> ssl.SSLContext:
    """A context that shows ``certificate`` to servers, and trusts only certificates that ``authority`` signed. The
    texts are PEM; the key has no password.

    Raises ``ssl.SSLError`` if OpenSSL cannot read or does not accept them.
    """
    context = ssl.create_default_context(cadata=authority)
    # Python 3.13 enforces RFC 5280. Private certificate authorities often do not follow it, and a Python update must
    # not stop enrollments.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    # OpenSSL reads them only from a file. This folder is private to the process, and is deleted once they are read.
    with TemporaryDirectory() as folder:
        file = Path(folder) / "client.pem"
        file.write_text(f"{certificate.strip()}\n{private_key.strip()}\n")
        context.load_cert_chain(file)
    return context


def pem_problems(certificate: str, private_key: str) -> list[str]:
    """A sentence if a client certificate and its key cannot be used together. It shows neither."""
    try:
        public_key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    except ValueError:
        return ["The client certificate cannot be read."]
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except TypeError:
        return ["The private key has a password; store it without one."]
    except ValueError:
        return ["The private key cannot be read."]
    return [] if key.public_key() == public_key else ["The private key does not belong to the client certificate."]
