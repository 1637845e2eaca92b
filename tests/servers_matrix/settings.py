"""The bench's site, which reaches its processor over TLS."""

from __future__ import annotations

from bench.site import settings as bench
from bench.site.settings import *  # noqa: F403

_PROCESSOR = bench.ENROLLMENT_ERRORS["ACCOUNTS"]["sandbox"]
ENROLLMENT_ERRORS = {
    **bench.ENROLLMENT_ERRORS,
    "ACCOUNTS": {
        "sandbox": {
            "CLASS": "tests.servers_matrix.trusting.TrustingProcessor",
            "OPTIONS": {**_PROCESSOR["OPTIONS"], "CERTIFICATE": bench._SITE.get("certificate", "")},
        }
    },
}
