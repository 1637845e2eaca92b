from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from . import floor, naive


def other_page(request: HttpRequest) -> HttpResponse:
    """A page that has nothing to do with the processor."""
    return HttpResponse("Timetables and fares")


urlpatterns = [
    path("ours/", include("enrollment_errors.urls")),
    path("naive/", naive.enroll),
    path("naive/token/", naive.token),
    path("floor/", floor.enroll),
    path("floor/token/", floor.token),
    path("other/", other_page),
]
