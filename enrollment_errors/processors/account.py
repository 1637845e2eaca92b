"""An account with a transit processor."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .base import Processor


@dataclass(frozen=True, kw_only=True)
class Account:
    """As the site named and configured it."""

    name: str
    processor: type[Processor]
    options: Mapping[str, Any] = field(repr=False)
    tls_context: ssl.SSLContext | None = None
    """Made once, because the connection pool belongs to it."""
