"""Sites' designs around our pages. Their style sheets load after ours, which is the harder order."""

from __future__ import annotations

from pathlib import Path

from django.template import Engine, Template

HERE = Path(__file__).parent
NAMES = ("bare", "bootstrap", "uswds")
_BASE = """{% load i18n %}{% get_current_language as code %}<!doctype html>
<html lang="{{ code }}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{% block enrollment_title %}{% endblock %}</title>
{% block enrollment_head %}{% endblock %}<style>CSS</style></head>
<body><a href="#main">Skip to main content</a>
<main id="main" tabindex="-1" class="usa-prose">
<div id="column">{% block enrollment_content %}{% endblock %}</div></main>
</body></html>"""


def base(name: str) -> Template:
    """A base template in this design, for the context's ``base_template``."""
    css = (HERE / f"{name}.css").read_text(encoding="utf-8")
    return Engine.get_default().from_string(_BASE.replace("CSS", css))
