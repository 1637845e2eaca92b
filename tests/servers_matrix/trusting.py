"""A processor whose server has a certificate of the test's own."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from enrollment_errors.processors.littlepay import LittlepayProcessor


class TrustingProcessor(LittlepayProcessor):
    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        return super().check_options({name: value for name, value in options.items() if name != "CERTIFICATE"})

    @classmethod
    def tls_context(cls, options: Mapping[str, Any]) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=options["CERTIFICATE"])
