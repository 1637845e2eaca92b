"""Example ID, an identity provider that takes the rider's word for it.

For riders, it is a separate site with its own cookie. As with a real provider, riders who sign out of only the
transit-benefit site are still signed in here.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.signing import TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

COOKIE = "example_id"
CLAIMS = {"qualifies": ["older_adult", "low_income"], "does-not": []}


def sign_in(request: HttpRequest) -> HttpResponse:
    """Asks who the rider is, unless this browser is already signed in, and goes back with signed claims."""
    return_to = _get_return_address(request)
    rider = request.POST.get("rider") or request.COOKIES.get(COOKIE)
    if rider not in CLAIMS:
        return render(request, "demo/example_id.html")
    state = request.GET.get("state", "")
    claims = TimestampSigner(key=settings.IDENTITY_PROVIDER["KEY"], salt=state).sign_object(CLAIMS[rider])
    response = redirect(f"{return_to}?{urlencode({'state': state, 'claims': claims})}")
    response.set_cookie(COOKIE, rider, httponly=True, samesite="Lax")
    return response


@require_safe
def sign_out(request: HttpRequest) -> HttpResponse:
    response = redirect(_get_return_address(request))
    forget(response)
    return response


def forget(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, samesite="Lax")


def _get_return_address(request: HttpRequest) -> str:
    """Accepts only addresses of the site that is registered here, which is this one."""
    address = request.GET.get("return_to", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        raise SuspiciousOperation("An address that no site has registered.")
    return address
