"""A processor whose server has the test's own certificate."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Endpoint, Option


class TrustingProcessor(LittlepayProcessor):
    account_options = (*LittlepayProcessor.account_options, Option(name="CERTIFICATE", help_text="Its own authority."))

    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Mapping[str, Endpoint]:
        context = ssl.create_default_context(cafile=options["CERTIFICATE"])
        return {"api": Endpoint(base_url=options["BASE_URL"], tls_context=context)}
