"""Keeps Django from logging our views' error pages a second time.

Django logs every answer with status 500 or above and, by default, mails it to the site's admins within the request.
Operators already have our views' answers under their reference, and reopening a page is not a new failure. Django still
logs an exception that gets past our views.
"""

from __future__ import annotations

import logging
from weakref import WeakKeyDictionary

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_answers: WeakKeyDictionary[HttpRequest, int] = WeakKeyDictionary()


def answered(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Returns ``response``, the answer of one of our views."""
    if response.status_code >= 500:
        _answers[request] = response.status_code
    return response


class _NotWhatWeHaveTold(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if record.exc_info or not isinstance(request, HttpRequest):
            return True
        return _answers.get(request) != getattr(record, "status_code", None)


_filter = _NotWhatWeHaveTold()


def connect() -> None:
    """Called once, when Django has started."""
    logging.getLogger("django.request").addFilter(_filter)
