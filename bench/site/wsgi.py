from __future__ import annotations

import sys
import time
from typing import Any

from django.core.wsgi import get_wsgi_application

from enrollment_errors.transport.circuit import circuit_opened

application = get_wsgi_application()


def tell(**kwargs: Any) -> None:
    print(f"circuit opened at {time.time()}", file=sys.stderr, flush=True)


circuit_opened.connect(tell)
