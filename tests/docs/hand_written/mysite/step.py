"""The enrollment step: a token for the card form, the page with the form, and the ends."""

import time
from datetime import datetime, timezone

import requests
from django.http import JsonResponse
from django.shortcuts import redirect, render

from . import analytics, littlepay, session
from .models import Enrolled


def token(request):
    agency = session.agency_of(request)
    if agency is None:
        return JsonResponse({"redirect": "/"}, status=403)
    if request.session.get("token_until", 0) < time.time():
        try:
            answer = littlepay.card_form_token(agency)
        except requests.RequestException as error:
            analytics.send(request, agency, "failed pre-tokenization request", error=str(error))
            return JsonResponse({"redirect": "/step/error/"}, status=502)
        request.session["token"] = answer["access_token"]
        request.session["token_until"] = time.time() + answer["expires_in"] - 5
    analytics.send(request, agency, "started card tokenization")
    return JsonResponse({"token": request.session["token"]})


def index(request):
    agency = session.agency_of(request)
    if agency is None:
        return redirect("home")
    if request.method != "POST":
        return render(request, "step/index.html", {"agency": agency})
    analytics.send(request, agency, "finished card tokenization")
    expiry = request.session["expiry"]
    try:
        littlepay.link(agency, request.POST["card_token"], expiry and datetime.fromtimestamp(expiry, timezone.utc))
    except requests.RequestException as error:
        analytics.send(request, agency, "returned enrollment", status="error", error=str(error))
        return redirect("step:error")
    analytics.send(request, agency, "returned enrollment", status="success")
    Enrolled.objects.create(agency=agency, by_staff=request.session["by_staff"])
    return redirect("step:success")


def success(request):
    return render(request, "step/success.html", {"agency": session.agency_of(request)})


def retry(request):
    if (agency := session.agency_of(request)) is not None:
        analytics.send(request, agency, "returned enrollment", status="retry")
    return render(request, "step/retry.html", {"agency": agency})


def error(request):
    return render(request, "step/error.html", {"agency": session.agency_of(request)}, status=503)
