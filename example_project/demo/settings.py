"""The example site's settings, and what the demo adds: its own pages, a strict Content-Security-Policy, a budget."""

from os import environ

import django
from example.settings import *  # noqa: F403
from example.settings import ENROLLMENT_ERRORS, INSTALLED_APPS, MIDDLEWARE, TEMPLATES

# The demo comes before the site, so demo/templates/example/base.html can put a notice on top of the site's pages.
INSTALLED_APPS = ["demo", *INSTALLED_APPS]
ROOT_URLCONF = "demo.urls"

_context_processors = ["demo.stage.scenario_on_stage"]


def _policy(nonce: str) -> dict[str, list[str]]:
    own = "'self'"
    return {
        "default-src": ["'none'"],
        # The page's own scripts, by nonce, and the processor's card form, which they load.
        "script-src": [nonce, "'strict-dynamic'"],
        "style-src": [own],
        "img-src": [own],
        # The card forms of all accounts: operators may add some at other sandboxes on this machine.
        "connect-src": [own, "http://127.0.0.1:*"],
        "form-action": [own],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


if django.VERSION >= (6, 0):
    from django.utils.csp import CSP

    SECURE_CSP = _policy(CSP.NONCE)
    _csp_middleware = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    _context_processors.append("django.template.context_processors.csp")
else:
    from csp.constants import NONCE

    # Before Django 6, the admin's own scripts have no nonce.
    CONTENT_SECURITY_POLICY = {"DIRECTIVES": _policy(NONCE), "EXCLUDE_URL_PREFIXES": ["/admin/"]}
    _csp_middleware = "csp.middleware.CSPMiddleware"

MIDDLEWARE = [_csp_middleware, *MIDDLEWARE]
TEMPLATES[0]["OPTIONS"]["context_processors"] += _context_processors

# The rider's budget for all calls to the processor; a single call may take three eighths of it, as by default.
_budget = float(environ.get("DEMO_BUDGET", "8"))
ENROLLMENT_ERRORS |= {
    "BUDGET": _budget,
    "READ_TIMEOUT": _budget * 3 / 8,
    "CONNECT_TIMEOUT": _budget / 4,
}
