from __future__ import annotations

import sys

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

application = StaticFilesHandler(get_wsgi_application())  # for the tests that open its pages in a browser
_ = get_resolver().url_patterns  # loads what the first request would have to wait for
print("site loaded", file=sys.stderr, flush=True)
