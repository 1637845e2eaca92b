"""What only staff do: go on with the next rider."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from .decorators import reported
from .reporting.report import Event
from .responses import Pages, staff_start_url
from .rider_session import RiderSession
from .visit import end_visit


@reported(Event.RETURNED_ENROLLMENT, Pages, "POST")
def next_rider(request: HttpRequest, session: RiderSession) -> HttpResponse:
    """Nothing of the last rider is used or shown again. A link whose answer was lost stays, under its reference."""
    end_visit(request)
    session.forget()
    response = HttpResponseRedirect(staff_start_url(request))
    response.status_code = 303
    return response
