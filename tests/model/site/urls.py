from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

try:
    from enrollment_errors.visit import forget_rider
except ImportError:  # older versions cannot tell the app that the next rider has come

    def forget_rider(request: HttpRequest) -> None:
        pass


handler500 = "enrollment_errors.views.handler500"


@csrf_exempt
def choose(request: HttpRequest, benefit: str) -> HttpResponse:
    request.session["eligible"] = {"benefit": benefit}
    return HttpResponse()


@csrf_exempt
def sign_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponse()


@csrf_exempt
def next_rider(request: HttpRequest) -> HttpResponse:
    """The session goes on, because it belongs to the staff at the desk."""
    request.session["eligible"] = None
    forget_rider(request)
    return HttpResponse()


def session(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"eligible": request.session.get("eligible")})


urlpatterns = [
    path("enrollment/", include("enrollment_errors.urls")),
    path("staff/", include("enrollment_errors.in_person_urls")),
    path("choose/<str:benefit>/", choose),
    path("sign-out/", sign_out),
    path("next-rider/", next_rider),
    path("session/", session),
]
