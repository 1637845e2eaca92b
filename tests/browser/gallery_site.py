"""Serves the gallery's pictures over HTTP, with stand-ins for the views that the enroll page's script calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.test import override_settings
from django.urls import path
from django.utils import translation

from tests.inline.service import GATEWAY_SCRIPT
from tests.pages import for_translators, gallery
from tests.pages.catalogs import LOCALES

from . import frames

LANGUAGES = ["en", *(locale.lower().replace("_", "-") for locale in LOCALES)]
CARD_FORM = "window.littlepay = (options) => { window.cardForm = options; };"


def picture(request: HttpRequest, language: str, name: str) -> HttpResponse:
    if request.method == "POST":
        return HttpResponse(f"<title>posted</title><p>{request.POST.get('card_token') or 'nothing'}</p>")
    context: dict[str, Any] = {}
    sites: dict[str, Any] = {}
    data = (gallery.ALL.get(name) or for_translators.PICTURES[name]).context.get("page_data")
    if "returned" in request.GET:
        context["page_data"] = {**data, "returned": True}
    elif "card_form" in request.GET:
        context["page_data"] = {**data, "cardForm": {**gallery.CARD_FORM, "script": request.GET["card_form"]}}
    with translation.override(language):
        if "in_admin" in request.GET:
            sites = gallery.in_admin(request)
        elif "frame" in request.GET:
            sites = {"base_template": frames.base(request.GET["frame"])}
        signed_in = "signed_in" in request.GET
        return HttpResponse(for_translators.render(name, request, sites, signed_in=signed_in, **context))


def token(request: HttpRequest) -> HttpResponse:
    """Gives the enroll page access to a card form or, for a processor with its own site, the address to go to."""
    if "gateway" in request.GET:
        return JsonResponse({"redirect": request.build_absolute_uri("/pages/gateway/")})
    return JsonResponse({"token": "tokenization-access"})


def report(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"redirect": None})


def card_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(CARD_FORM, content_type="text/javascript")


def card_fields(request: HttpRequest) -> HttpResponse:
    return HttpResponse(GATEWAY_SCRIPT.read_text(), content_type="text/javascript")


def end(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponseRedirect(f"/pages/{name}/")


def named(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"<title>{name}</title>")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("pictures/<str:language>/<str:name>/", picture),
    path("token/", token),
    path("report/", report),
    path("card-form.js", card_form),
    path("card-fields.js", card_fields),
    path("ends/<str:name>/", end),
    path("pages/<str:name>/", named),
]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: requests would only clutter the output."""


@contextmanager
def serve(**settings: Any) -> Iterator[str]:
    """Serves the gallery on this machine with changed settings, and yields its address."""
    with override_settings(**{"ROOT_URLCONF": __name__, "MIDDLEWARE": [], **settings}):
        server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
        server.set_app(StaticFilesHandler(WSGIHandler()))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def address(base: str, name: str, language: str = "en", *, signed_in: bool = False, in_admin: bool = False) -> str:
    return f"{base}/pictures/{language}/{name}/{'?signed_in' if signed_in else '?in_admin' if in_admin else ''}"


def variants() -> list[tuple[str, bool]]:
    """Every picture, and again as a signed-in rider sees it, if that makes a difference."""
    return [(name, False) for name in gallery.ALL] + [(name, True) for name in gallery.SIGN_IN_MATTERS]
