from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path

from .models import Group

handler500 = "enrollment_errors.views.handler500"


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<title>Regional Transit Benefits</title>")


def qualify(request: HttpRequest, agency: str, flow: str) -> HttpResponse:
    """Everyone qualifies here."""
    request.session["qualified"] = Group.objects.get(agency__slug=agency, flow=flow).pk
    return redirect("enrollment_errors:enroll")


urlpatterns = [
    path("", home),
    path("qualify/<slug:agency>/<slug:flow>/", qualify),
    path("enrollment/", include("enrollment_errors.urls")),
]
