from __future__ import annotations

import sys
import time
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from enrollment_errors.transport.circuit import circuit_opened

application = get_wsgi_application()
_ = get_resolver().url_patterns  # loads what the first request would have to wait for


def tell_opened(**kwargs: Any) -> None:
    tell(f"circuit opened at {time.time()}")


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


circuit_opened.connect(tell_opened)
tell("site loaded")
