"""Django logs every answer from 500, and with its default settings mails each to the site's admins, in the request.

Of an answer that one of our views gave, operators have heard under its reference, and a page that is opened again is no
new failure. An exception that gets past our views is Django's to tell.
"""

from __future__ import annotations

import logging
from weakref import WeakKeyDictionary

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_answers: WeakKeyDictionary[HttpRequest, int] = WeakKeyDictionary()


def answered(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Gives back ``response``, the answer of a view of ours."""
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
    """Once, when Django has started."""
    logging.getLogger("django.request").addFilter(_filter)
