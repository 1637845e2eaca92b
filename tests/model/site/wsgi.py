from __future__ import annotations

import sys

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

application = get_wsgi_application()
_ = get_resolver().url_patterns  # loads what the first request would have to wait for
print("site loaded", file=sys.stderr, flush=True)
