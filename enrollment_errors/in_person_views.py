"""The view that only staff have: go on to the next rider."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from .decorators import reported
from .reporting.report import Event
from .responses import Pages, staff_start_url
from .rider_session import RiderSession
from .visit import end_visit


@reported(Event.RETURNED_ENROLLMENT, Pages, "POST")
def next_rider(request: HttpRequest, session: RiderSession) -> HttpResponse:
    """Forget the last rider, except for a link whose answer was lost: it stays under its reference."""
    end_visit(request)
    session.forget()
    response = HttpResponseRedirect(staff_start_url(request))
    response.status_code = 303
    return response
