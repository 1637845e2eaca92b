"""The answers to a rider's browser: pages, redirects to pages, and both as JSON for the page's script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.template.backends.django import DjangoTemplates
from django.template.loader import select_template
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _

from . import conf
from .adapter import Adapter, Agency, Enrollment, SignIn
from .catalogue import CODES, explained
from .exceptions import ConfigurationError
from .finishing import PARAMETER, signed_name
from .in_person import is_in_person, way_back, with_next
from .outcomes import Outcome
from .pages import PAGES, Page
from .references import signed, unsigned
from .reporting.site_errors import site_error
from .results import Result


def page(
    request: HttpRequest,
    name: str,
    enrollment: Enrollment | None,
    *,
    status: int = 200,
    agency: Agency | None = None,
    **context: Any,
) -> HttpResponse:
    """A page by its name. It renders even if the site's hook, context processors or base template fail. ``agency``
    replaces the enrollment's own.

    The template is ``enrollment_errors/<namespace>/<name>.html`` if the site has one, so that each inclusion of the
    URLs can look different. Otherwise it is ``enrollment_errors/<name>.html``, or in person
    ``enrollment_errors/in_person/<name>.html``.
    """
    agency = agency or (enrollment.agency if enrollment else _fallback_agency())
    everything = {
        "page": name,
        "agency": agency,
        "home_url": _home_url(request, agency),
        "sign_in": _sign_in(request, enrollment),
        "reference": "",
        **context,
    }
    if is_in_person(request):
        everything = _for_staff(request, everything)
    response = HttpResponse(_render(request, name, everything), status=status)
    if status == PAGES[Outcome.SYSTEM_ERROR].status:
        response["Retry-After"] = str(_retry_after())
    return response


def _for_staff(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """After a success without a fault, staff need no code, and a reference only to identify an earlier rider."""
    code = context.get("code", "")
    if code and explained(code).outcome is Outcome.SUCCESS and not explained(code).is_fault:
        code = ""
        if not context["is_of_earlier_rider"]:
            context = {**context, "reference": ""}
    return {
        "is_permitted": True,
        "is_of_earlier_rider": False,
        "next_rider_url": url(request, "next_rider"),
        **context,
        "sign_in": None,
        "home_url": staff_start_url(request) if context.get("is_permitted", True) else "/",
        "code": code,
        "advice": explained(code) if code else None,
    }


def staff_start_url(request: HttpRequest) -> str:
    """Where staff start with the next rider; the site's root if its adapter fails or names another site."""
    try:
        start = conf.get_adapter().get_staff_start_url(request)
    except Exception as error:  # noqa: BLE001  the page renders anyway
        site_error(error, "Adapter.get_staff_start_url")
        return "/"
    return start if is_allowed_redirect(request, start) else "/"


def end_url(request: HttpRequest, outcome: Outcome, reference: str) -> str:
    """The address of a result page, the same path for every rider.

    The query contains the signed reference, so that the page needs no session.
    """
    page = PAGES[outcome]
    address = url(request, page.name)
    if not reference or outcome is Outcome.NOT_ELIGIBLE:
        return address
    return f"{address}?{urlencode({'reference': signed(reference, page.name)})}"


def finishing_url(request: HttpRequest, finishing: str) -> str:
    """The address where a rider sees the status of a promise without a session. ``finishing`` is its signed name."""
    return f"{url(request, 'finishing')}?{urlencode({PARAMETER: finishing})}"


def reference_in(request: HttpRequest, name: str) -> str | None:
    """The reference in the address of the result page ``name``, or ``None`` if this site did not sign it."""
    return unsigned(request.GET.get("reference", ""), name)


def url(request: HttpRequest, name: str, *args: str) -> str:
    """One of our addresses, in the same inclusion of the URLs as the request."""
    assert request.resolver_match is not None
    return reverse(f"{request.resolver_match.namespace}:{name}", args=args)


def is_allowed_redirect(request: HttpRequest, target: str) -> bool:
    return url_has_allowed_host_and_scheme(
        target,
        allowed_hosts={request.get_host(), *conf.get_settings().ALLOWED_REDIRECT_HOSTS},
        require_https=request.is_secure(),
    )


class Pages:
    """Answers for views that the rider's browser opens: pages, after a redirect so that reload and back are safe."""

    @staticmethod
    def end(request: HttpRequest, result: Result) -> HttpResponse:
        if result.finishing:
            return Pages.see_other(finishing_url(request, signed_name(result.finishing)))
        return Pages.see_other(end_url(request, result.outcome, result.reference))

    @staticmethod
    def see_other(address: str) -> HttpResponse:
        response = HttpResponseRedirect(address)
        response.status_code = 303
        return response

    @staticmethod
    def refuse(
        request: HttpRequest, code: str, enrollment: Enrollment | None = None, *, retry_after: int | None = None
    ) -> HttpResponse:
        refused = PAGES[CODES[code].outcome]
        enroll_url = url(request, "enroll")
        status = _REFUSALS.get(code, refused.status)
        return _to_retry(page(request, refused.name, enrollment, status=status, enroll_url=enroll_url), retry_after)

    @staticmethod
    def turn_away(request: HttpRequest, adapter: Adapter) -> HttpResponse:
        """For users who may not enroll riders in person: a way to sign in, or a page that says that they may not."""
        if sign_in := _staff_sign_in(request, adapter):
            return HttpResponseRedirect(sign_in)
        refused = PAGES[Outcome.NOT_ELIGIBLE]
        return page(request, refused.name, None, status=refused.status, is_permitted=False)

    @staticmethod
    def broken(request: HttpRequest, result: Result) -> HttpResponse:
        """The page itself, without a redirect: the site could not say whether this browser may see our pages."""
        end = PAGES[result.outcome]
        return page(request, end.name, None, status=end.status, is_permitted=False, reference=result.reference)


class Envelopes:
    """Answers for views that the page's script calls: JSON that says where the page must go."""

    @staticmethod
    def end(request: HttpRequest, result: Result) -> HttpResponse:
        redirect = end_url(request, result.outcome, result.reference)
        return _envelope(request, result.code, PAGES[result.outcome], result.reference, redirect)

    @staticmethod
    def refuse(
        request: HttpRequest, code: str, enrollment: Enrollment | None = None, *, retry_after: int | None = None
    ) -> HttpResponse:
        refused = PAGES[CODES[code].outcome]
        redirect = url(request, (refused if refused.was_refused else PAGES[Outcome.NOT_ELIGIBLE]).name)
        return _to_retry(_envelope(request, code, refused, "", redirect), retry_after)

    @staticmethod
    def turn_away(request: HttpRequest, adapter: Adapter) -> HttpResponse:
        refused = PAGES[Outcome.NOT_ELIGIBLE]
        redirect = _staff_sign_in(request, adapter) or url(request, refused.name)
        return _envelope(request, "not_eligible", _NOT_PERMITTED, "", redirect)

    @staticmethod
    def broken(request: HttpRequest, result: Result) -> HttpResponse:
        return Envelopes.end(request, result)


def _staff_sign_in(request: HttpRequest, adapter: Adapter) -> str | None:
    sign_in = adapter.get_staff_sign_in_url(request)
    if sign_in is None:
        return None
    if not is_allowed_redirect(request, sign_in):
        raise ConfigurationError(
            'Staff sign in at a host that ENROLLMENT_ERRORS["ALLOWED_REDIRECT_HOSTS"] does not name.'
        )
    return with_next(sign_in, way_back(request, url(request, "enroll")))


_NOT_PERMITTED = replace(
    PAGES[Outcome.NOT_ELIGIBLE],
    staff_title=_("You may not enroll riders"),
    staff_detail=_("Ask the person who manages user accounts to let you enroll riders in person."),
)
_REFUSALS = {"method_not_allowed": 405, "bad_request": 400}
"""Codes whose HTTP status differs from that of their page."""


def _to_retry(response: HttpResponse, retry_after: int | None) -> HttpResponse:
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def _envelope(request: HttpRequest, code: str, end: Page, reference: str, redirect: str) -> HttpResponse:
    status = _REFUSALS.get(code, end.status)
    if status < 400:
        status = PAGES[Outcome.SYSTEM_ERROR].status  # or the page's script would take it for a success
    title, detail = (end.staff_title, end.staff_detail) if is_in_person(request) else (end.title, end.detail)
    error = {"status": str(status), "code": code, "title": str(title), "detail": str(detail), "id": reference}
    response = JsonResponse({"errors": [error], "redirect": redirect}, status=status)
    if status == PAGES[Outcome.SYSTEM_ERROR].status:
        response["Retry-After"] = str(_retry_after())
    return response


def _render(request: HttpRequest, name: str, context: Mapping[str, Any]) -> str:
    own = f"enrollment_errors/in_person/{name}.html" if is_in_person(request) else f"enrollment_errors/{name}.html"
    try:
        adapter = conf.get_adapter()
        assert request.resolver_match is not None
        template = select_template([f"enrollment_errors/{request.resolver_match.namespace}/{name}.html", own])
        sites = adapter.get_page_context(request, name)
        base = sites.get("base_template", conf.get_settings().BASE_TEMPLATE)
        return str(template.render({**sites, "enrollment": {**context, "base_template": base}}, request))
    except Exception as error:  # noqa: BLE001  the site's templates, tags and context processors may raise anything
        site_error(error, f"rendering the page {name}")
        ours = _standalone_engine().get_template(own)
        bare = {
            "enrollment": {**context, "base_template": "enrollment_errors/base.html"},
            "csrf_token": get_token(request),
            # From django-csp, otherwise from Django's own middleware.
            "csp_nonce": getattr(request, "csp_nonce", getattr(request, "_csp_nonce", None)),
        }
        return ours.render(bare)


@cache
def _standalone_engine() -> DjangoTemplates:
    """Renders our own templates without anything of the site's: its context processors, overrides, base template and
    static files."""
    return DjangoTemplates(
        {
            "NAME": "enrollment_errors",
            "DIRS": [Path(__file__).parent / "templates"],
            "APP_DIRS": False,
            "OPTIONS": {"libraries": {"static": "enrollment_errors.templatetags.enrollment_errors_static"}},
        }
    )


def _fallback_agency() -> Agency | None:
    try:
        return conf.get_settings().FALLBACK_AGENCY
    except ConfigurationError:
        return None  # the page matters more; the request that found the settings broken has reported it


def _home_url(request: HttpRequest, agency: Agency | None) -> str:
    if agency and is_allowed_redirect(request, agency.home_url):
        return agency.home_url
    return "/"


def _sign_in(request: HttpRequest, enrollment: Enrollment | None) -> SignIn | None:
    """The rider's sign-in, but only if it has a safe way to sign out."""
    sign_in = enrollment.sign_in if enrollment else None
    return sign_in if sign_in and sign_in.sign_out_url and is_allowed_redirect(request, sign_in.sign_out_url) else None


def _retry_after() -> int:
    """Whole seconds, at least until an open circuit would let a call through."""
    try:
        return math.ceil(conf.get_settings().BREAKER_OPEN)
    except ConfigurationError:
        return 60
