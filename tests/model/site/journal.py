"""A file for the test to read. All processes of the site append lines of JSON to it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def tell(**facts: Any) -> None:
    descriptor = os.open(settings.JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, json.dumps(facts).encode() + b"\n")
    finally:
        os.close(descriptor)


class EndsInTheJournal(logging.Handler):
    """Keeps the log records that report an end."""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "outcome", None):
            tell(ended=getattr(record, "reference", ""), code=getattr(record, "code", ""))


def tell_who_serves(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that tells which process has a request, so that a test can kill it in the middle."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if name := request.headers.get("X-Request-Name"):
            tell(request=name, pid=os.getpid())
        return get_response(request)

    return middleware
