"""Finds what the site's Content-Security-Policy would block on the enroll page.

It reads the header itself, as the site's middleware writes it, so it need not understand the settings of django-csp or
Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.module_loading import import_string

from ..processors.types import CardForm

_DJANGO_CSP = "csp.middleware.CSPMiddleware"
_DJANGOS_OWN = "django.middleware.csp.ContentSecurityPolicyMiddleware"
_NONCE_PROCESSOR = "django.template.context_processors.csp"

Policy = Mapping[str, list[str]]


def blocked(path: str, forms: Iterable[CardForm]) -> Iterator[str]:
    """One sentence for each of our resources, or the card forms', that the policy of the page at ``path`` blocks."""
    policy = _policy(path)
    if policy is None:
        return
    own = f"{settings.STATIC_URL}enrollment_errors/"
    forms = list(forms)
    scripts = (script for form in forms for script in (urljoin(settings.STATIC_URL, form.adapter), form.script))
    for script in dict.fromkeys((f"{own}enrollment.js", *filter(None, scripts))):
        if not _allows(policy, _FALLBACKS["script-src"], script, has_nonce=True):
            yield f"script-src does not allow {script}"
    style = f"{own}enrollment.css"
    if not _allows(policy, _FALLBACKS["style-src"], style, has_nonce=True):
        yield f"style-src does not allow {style}"
    if not _allows(policy, ("connect-src", "default-src"), path):
        yield "connect-src does not allow 'self', which the page's script calls"
    if not _allows(policy, ("form-action",), path):
        yield "form-action does not allow 'self', which the enrollment is posted to"
    for directive, source in dict.fromkeys(_wanted(forms)):
        if not _allows(policy, _FALLBACKS.get(directive, (directive, "default-src")), source):
            yield f"{directive} does not allow {source}"


_FALLBACKS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "style-src": ("style-src-elem", "style-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "form-action": ("form-action",),
}
"""The first of these directives that is present decides. The others fall back to ``default-src`` only."""


def _wanted(forms: Iterable[CardForm]) -> Iterator[tuple[str, str]]:
    for form in forms:
        for directive, sources in form.sources.items():
            for source in sources:
                yield directive, source


def _policy(path: str) -> Policy | None:
    """The directives of the header; ``None`` if no known middleware writes one."""
    nonces = {_DJANGO_CSP: ["csp_nonce"], _DJANGOS_OWN: ["_csp_nonce"] if _pages_get_djangos_nonce() else []}
    for name in settings.MIDDLEWARE:
        middleware = import_string(name)
        for known in nonces:
            if _is_a(middleware, known):
                header = _header(middleware, path, nonces[known])
                directives = (directive.split() for directive in header.split(";"))
                return {words[0].lower(): words[1:] for words in directives if words} or None
    return None


def _is_a(middleware: Any, known: str) -> bool:
    return known in [f"{base.__module__}.{base.__qualname__}" for base in getattr(middleware, "__mro__", ())]


def _pages_get_djangos_nonce() -> bool:
    options: list[Any] = [engine.get("OPTIONS", {}) for engine in settings.TEMPLATES]
    return any(_NONCE_PROCESSOR in each.get("context_processors", ()) for each in options)


def _header(middleware: Any, path: str, nonces: list[str]) -> str:
    def answer(request: HttpRequest) -> HttpResponse:
        for nonce in nonces:
            # Written into the header only if a page has asked for it.
            str(getattr(request, nonce, ""))
        return HttpResponse()

    response: HttpResponse = middleware(answer)(RequestFactory().get(path))
    return response["Content-Security-Policy"] if response.has_header("Content-Security-Policy") else ""


def _allows(policy: Policy, directives: tuple[str, ...], url: str, *, has_nonce: bool = False) -> bool:
    sources = next((policy[name] for name in directives if name in policy), None)
    if sources is None:
        return True
    if has_nonce and any(source.startswith("'nonce-") for source in sources):
        return True
    return "'strict-dynamic'" not in sources and any(_matches(source, url) for source in sources)


def _matches(source: str, url: str) -> bool:
    address = urlsplit(url)
    if not address.netloc:
        return source in ("'self'", "*")
    if source == "*" or source.lower() == f"{address.scheme}:":
        return True
    wanted = urlsplit(source if "://" in source else f"//{source}")
    if wanted.scheme not in ("", address.scheme):
        return False
    if wanted.netloc.startswith("*."):
        return address.netloc.endswith(wanted.netloc[1:])
    return wanted.netloc == address.netloc
